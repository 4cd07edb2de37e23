extension StatementDirectives {
    /// The longest value of a tag that is kept, decoded, in bytes.
    package static let maxValueBytes = 1024
    package static let maxTags = 32

    /// What the comments of a text ask for; nothing in constants and quoted names counts.
    ///
    /// A comment is either a list of tags, `key='value',…`, or anything with `strata:primary` or `strata:replica` in it.
    /// Primary wins over replica. Of tags with one key the first counts; those beyond 32 and values over 1,024 bytes are left
    /// out. A text that ends within a constant or comment is read up to there. A backslash in '…' is taken for a plain
    /// byte, as with `standard_conforming_strings`.
    package static func read(_ text: UnsafeRawBufferPointer) -> StatementDirectives {
        var result = StatementDirectives()
        let bytes = StatementBytes(text: text)
        var position = 0
        while position < text.count {
            position = result.readPiece(bytes, position)
        }
        return result
    }

    /// One comment, constant, name or single byte; returns what comes after it.
    private mutating func readPiece(_ bytes: StatementBytes, _ position: Int) -> Int {
        let count = bytes.text.count
        switch bytes.text[position] {
        case 0x2D where bytes.at(position + 1) == 0x2D:
            let end = bytes.endOfLine(position)
            readComment(bytes.text, (position + 2)..<end)
            return end
        case 0x2F where bytes.at(position + 1) == 0x2A:
            guard let end = bytes.endOfComment(position) else { return count }
            readComment(bytes.text, (position + 2)..<(end - 2))
            return end
        case 0x22, 0x27: return bytes.endOfQuoted(position, .plain) ?? count
        case 0x24:
            guard let tag = bytes.endOfDollarTag(position) else { return position + 1 }
            return bytes.endOfDollarQuoted(position, tag) ?? count
        case let byte where StatementKeyTables.shared.classes[Int(byte)] & 0x40 != 0:
            let end = Self.endOfWord(bytes, position)
            let isEscaped = end == position + 1 && byte | 0x20 == 0x65 && bytes.at(end) == 0x27
            return isEscaped ? bytes.endOfQuoted(end, .escape) ?? count : end
        default: return position + 1
        }
    }

    /// A dollar sign within a word begins no constant.
    private static func endOfWord(_ bytes: StatementBytes, _ start: Int) -> Int {
        var end = start
        while end < bytes.text.count, StatementKeyTables.shared.classes[Int(bytes.text[end])] & 0x40 != 0 { end += 1 }
        return end
    }

    private mutating func readComment(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) {
        let bytes = StatementBytes(text: UnsafeRawBufferPointer(rebasing: text[range]))
        guard bytes.hasDirective(0..<range.count) else { return }
        var reader = CommentTags(bytes)
        if reader.run() {
            for (key, value) in reader.tags where tags.count < Self.maxTags && tags[key] == nil { tags[key] = value }
            return
        }
        for position in 0..<range.count where bytes.isMark(position) && !isWord(bytes, position - 1) {
            readTarget(bytes, position + 7)
        }
    }

    private mutating func readTarget(_ bytes: StatementBytes, _ start: Int) {
        let word = bytes.text[start..<Self.endOfWord(bytes, start)]
        if word.elementsEqual("primary".utf8) {
            target = .primary
        } else if word.elementsEqual("replica".utf8), target == nil {
            target = .replica
        }
    }

    private func isWord(_ bytes: StatementBytes, _ position: Int) -> Bool {
        position >= 0 && StatementKeyTables.shared.classes[Int(bytes.at(position))] & 0x40 != 0
    }
}

/// A comment that is a list of sqlcommenter's tags, and nothing else.
private struct CommentTags {
    private let bytes: StatementBytes
    private var position = 0
    private(set) var tags: [(key: String, value: String)] = []

    init(_ bytes: StatementBytes) { self.bytes = bytes }

    mutating func run() -> Bool {
        repeat {
            skipSpace()
            guard readTag() else { return false }
            skipSpace()
        } while skip(0x2C)
        return position == bytes.text.count
    }

    private mutating func readTag() -> Bool {
        let start = position
        while Self.isKeyByte(bytes.at(position)) { position += 1 }
        let key = start..<position
        guard !key.isEmpty, skip(0x3D), skip(0x27), let value = readValue() else { return false }
        guard value.count <= StatementDirectives.maxValueBytes, tags.count < StatementDirectives.maxTags else {
            return true
        }
        tags.append((String(decoding: bytes.text[key], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        return true
    }

    /// Up to the closing quote: `\'` is a quote, `%27` as well; a `%` without two digits is itself.
    private mutating func readValue() -> [UInt8]? {
        var value: [UInt8] = []
        while position < bytes.text.count {
            let byte = bytes.text[position]
            position += 1
            switch byte {
            case 0x27: return value
            case 0x5C where position < bytes.text.count:
                value.append(bytes.text[position])
                position += 1
            case 0x25:
                if let high = Self.digit(bytes.at(position)), let low = Self.digit(bytes.at(position + 1)) {
                    value.append(high << 4 | low)
                    position += 2
                } else {
                    value.append(byte)
                }
            default: value.append(byte)
            }
        }
        return nil
    }

    private mutating func skipSpace() {
        while position < bytes.text.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes.text[position]) { position += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard bytes.at(position) == byte else { return false }
        position += 1
        return true
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2E, 0x2D: true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x57
        default: nil
        }
    }
}
