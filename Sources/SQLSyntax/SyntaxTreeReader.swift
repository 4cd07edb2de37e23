/// Reads the JSON that libpg_query writes into a `SyntaxTree`, in one pass and without recursion.
///
/// On plain memory: a client waits for a decision that is new, and reading the tree took as long as parsing the text.
struct SyntaxTreeReader {
    private let json: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var entries: UnsafeMutableBufferPointer<SyntaxTree.Entry>
    private var count = 0
    /// The innermost object or list that has not ended, -1 outside.
    private var open: Int32 = -1

    /// nil when the text is not the JSON of a parse tree.
    static func read(_ json: [UInt8]) -> SyntaxTree? {
        guard json.count < Int(Int32.max) else { return nil }
        let entries = json.withUnsafeBufferPointer { bytes -> [SyntaxTree.Entry]? in
            var reader = SyntaxTreeReader(bytes)
            defer { reader.entries.deallocate() }
            guard reader.run() else { return nil }
            return Array(reader.entries.prefix(reader.count))
        }
        return entries.map { SyntaxTree(json: json, entries: $0) }
    }

    private init(_ json: UnsafeBufferPointer<UInt8>) {
        self.json = json
        // Most have about 16 bytes.
        entries = .allocate(capacity: json.count / 8 + 16)
    }

    private mutating func run() -> Bool {
        repeat {
            skipSpace()
            guard position < json.count else { return false }
            switch json[position] {
            case 0x7D, 0x5D:
                guard open >= 0 else { return false }
                position += 1
                let ended = Int(open)
                entries[ended].next = Int32(count)
                entries[ended].valueEnd = Int32(position)
                open = entries[ended].parent
            case 0x2C: position += 1
            default:
                guard readEntry() else { return false }
            }
        } while open >= 0
        return true
    }

    private mutating func readEntry() -> Bool {
        var key = 0..<0
        if open >= 0, entries[Int(open)].kind == .object {
            guard let name = readString() else { return false }
            skipSpace()
            guard position < json.count, json[position] == 0x3A else { return false }
            key = name
            position += 1
            skipSpace()
        }
        guard position < json.count else { return false }
        let start = position
        switch json[position] {
        case 0x7B, 0x5B:
            let kind: SyntaxTree.Kind = json[position] == 0x7B ? .object : .array
            position += 1
            append(kind, key, start..<position)
            open = Int32(count - 1)
        case 0x22:
            guard let value = readString() else { return false }
            append(.string, key, value)
        default:
            while position < json.count, !Self.endsScalar(json[position]) { position += 1 }
            guard position > start else { return false }
            append(.scalar, key, start..<position)
        }
        return true
    }

    private mutating func append(_ kind: SyntaxTree.Kind, _ key: Range<Int>, _ value: Range<Int>) {
        if count == entries.count { grow() }
        entries.initializeElement(
            at: count,
            to: SyntaxTree.Entry(
                kind: kind,
                keyStart: Int32(truncatingIfNeeded: key.lowerBound),
                keyLength: Int32(truncatingIfNeeded: key.count),
                valueStart: Int32(truncatingIfNeeded: value.lowerBound),
                valueEnd: Int32(truncatingIfNeeded: value.upperBound),
                next: Int32(truncatingIfNeeded: count + 1),
                parent: open
            )
        )
        count += 1
    }

    private mutating func grow() {
        let larger = UnsafeMutableBufferPointer<SyntaxTree.Entry>.allocate(capacity: entries.count * 2)
        _ = larger.moveInitialize(fromContentsOf: entries)
        entries.deallocate()
        entries = larger
    }

    /// The range between the quotes, still escaped.
    private mutating func readString() -> Range<Int>? {
        guard position < json.count, json[position] == 0x22 else { return nil }
        position += 1
        let start = position
        while position < json.count, json[position] != 0x22 {
            position += json[position] == 0x5C ? 2 : 1
        }
        guard position < json.count else { return nil }
        position += 1
        return start..<(position - 1)
    }

    private mutating func skipSpace() {
        while position < json.count, json[position] <= 0x20 { position += 1 }
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte == 0x2C || byte == 0x7D || byte == 0x5D || byte <= 0x20
    }
}

enum JSONText {
    /// A JSON string's text without its escapes. libpg_query writes `\u` only for single bytes below 0x80.
    static func unescape(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(0x5C) else { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        var position = bytes.startIndex
        while position < bytes.endIndex {
            guard bytes[position] == 0x5C, position + 1 < bytes.endIndex else {
                result.append(bytes[position])
                position += 1
                continue
            }
            let mark = bytes[position + 1]
            if mark == 0x75, position + 6 <= bytes.endIndex {
                let digits = String(decoding: bytes[(position + 2)..<(position + 6)], as: UTF8.self)
                let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
                result.append(contentsOf: String(scalar).utf8)
                position += 6
            } else {
                result.append(controls[mark] ?? mark)
                position += 2
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static let controls: [UInt8: UInt8] = [0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9]
}
