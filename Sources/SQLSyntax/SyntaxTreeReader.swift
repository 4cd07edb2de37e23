/// Reads the JSON that libpg_query writes into a `SyntaxTree`, in one pass and without recursion.
struct SyntaxTreeReader {
    private let json: [UInt8]
    private var position = 0
    private var entries: [SyntaxTree.Entry] = []
    private var open: [Int32] = []

    /// nil when the text is not the JSON of a parse tree.
    static func read(_ json: [UInt8]) -> SyntaxTree? {
        guard json.count < Int(Int32.max) else { return nil }
        var reader = SyntaxTreeReader(json: json)
        guard reader.run() else { return nil }
        return SyntaxTree(json: reader.json, entries: reader.entries)
    }

    private init(json: [UInt8]) {
        self.json = json
        entries.reserveCapacity(json.count / 12)
    }

    private mutating func run() -> Bool {
        repeat {
            guard let byte = peek() else { return false }
            switch byte {
            case 0x7D, 0x5D:
                guard let last = open.popLast() else { return false }
                position += 1
                entries[Int(last)].next = Int32(entries.count)
                entries[Int(last)].valueEnd = Int32(position)
            case 0x2C: position += 1
            default:
                guard readEntry() else { return false }
            }
        } while !open.isEmpty
        return true
    }

    private mutating func readEntry() -> Bool {
        var key = 0..<0
        if let last = open.last, entries[Int(last)].kind == .object {
            guard let name = readString(), peek() == 0x3A else { return false }
            key = name
            position += 1
        }
        guard let byte = peek() else { return false }
        let start = position
        switch byte {
        case 0x7B, 0x5B:
            position += 1
            append(byte == 0x7B ? .object : .array, key, start..<position)
            open.append(Int32(entries.count - 1))
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
        entries.append(
            SyntaxTree.Entry(
                kind: kind,
                keyStart: Int32(key.lowerBound),
                keyLength: Int32(key.count),
                valueStart: Int32(value.lowerBound),
                valueEnd: Int32(value.upperBound),
                next: Int32(entries.count + 1),
                parent: open.last ?? -1
            )
        )
    }

    /// The range between the quotes, still escaped.
    private mutating func readString() -> Range<Int>? {
        guard peek() == 0x22 else { return nil }
        position += 1
        let start = position
        while position < json.count, json[position] != 0x22 {
            position += json[position] == 0x5C ? 2 : 1
        }
        guard position < json.count else { return nil }
        position += 1
        return start..<(position - 1)
    }

    private mutating func peek() -> UInt8? {
        while position < json.count, json[position] <= 0x20 { position += 1 }
        return position < json.count ? json[position] : nil
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
