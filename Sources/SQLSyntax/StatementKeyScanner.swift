/// Cuts a text into tokens as PostgreSQL's scanner does, and mixes each into the key; a constant only as one.
///
/// What is mixed can be cut apart again, so that different tokens never look alike: a token is words of eight bytes and a
/// last word with its kind in the top byte, which in the words before is a byte of a name or an operator, and never as low.
struct StatementKeyScanner {
    private typealias Class = StatementKeyTables.Class
    private let text: UnsafeRawBufferPointer
    private let bytes: StatementBytes
    private let tables = StatementKeyTables.shared
    private var position = 0
    private var isBegun = false
    var hash: StatementHash
    var tokens = 0
    var hasConstants = false
    var hasDirectives = false

    /// Times eight, with the number of bytes in the word, below eight: all are under 0x20, and so no byte of a name.
    private enum Kind: UInt64 {
        case word = 0x00
        case symbol = 0x08
        case parameter = 0x10
        /// One byte, or the number of bytes to come, and which it is.
        case punctuation = 0x18
        case doubleColon = 0x19
        case assignment = 0x1A
        case quoted = 0x1B
        case number = 0x1C
        case string = 0x1D
    }

    init(_ text: UnsafeRawBufferPointer, _ seed: StatementKey.Seed) {
        self.text = text
        bytes = StatementBytes(text: text)
        hash = StatementHash(seed, domain: 0x2D35_8DCC_AA6C_78A5)
    }

    /// False where there is to be no key.
    mutating func run() -> Bool {
        while position < text.count {
            let byte = text[position]
            let kind = tables.classes[Int(byte)]
            if kind == Class.space {
                position += 1
            } else if kind & 0x40 != 0, kind != Class.digit, kind != Class.dollar {
                guard readWord() else { return false }
            } else if kind == Class.punctuation, isBegun {
                _ = end(.punctuation, UInt64(byte), at: position + 1)
            } else {
                guard readOther(byte, kind) else { return false }
            }
        }
        return isBegun
    }

    private mutating func readOther(_ byte: UInt8, _ kind: UInt8) -> Bool {
        if kind == Class.symbol {
            if byte == 0x2D, bytes.at(position + 1) == 0x2D { return skip(comment: bytes.endOfLine(position)) }
            if byte == 0x2F, bytes.at(position + 1) == 0x2A { return skip(comment: bytes.endOfComment(position)) }
        }
        // Brackets may stand before the first word, and nothing else.
        guard isBegun || byte == 0x28 else { return false }
        switch kind {
        case Class.punctuation: return end(.punctuation, UInt64(byte), at: position + 1)
        case Class.symbol: return readSymbol()
        case Class.digit: return readNumber()
        case Class.string: return readString(from: position, .refused)
        case Class.quoted: return readQuoted()
        case Class.dollar: return readDollar()
        case Class.point:
            let isNumber = tables.classes[Int(bytes.at(position + 1))] == Class.digit
            return isNumber ? readNumber() : end(.punctuation, UInt64(byte), at: position + 1)
        case Class.colon:
            switch bytes.at(position + 1) {
            case 0x3A: return end(.doubleColon, 0, at: position + 2)
            case 0x3D: return end(.assignment, 0, at: position + 2)
            default: return end(.punctuation, UInt64(byte), at: position + 1)
            }
        case Class.semicolon:
            position += 1
            while position < text.count, tables.classes[Int(text[position])] == Class.space { position += 1 }
            return position == text.count
        default: return false
        }
    }

    @inline(__always)
    private mutating func end(_ kind: Kind, _ value: UInt64, at next: Int) -> Bool {
        hash.mix(kind.rawValue << 56 | value)
        tokens += 1
        position = next
        return true
    }

    private mutating func skip(comment next: Int?) -> Bool {
        guard let next else { return false }
        if !hasDirectives { hasDirectives = bytes.hasDirective(position..<next) }
        position = next
        return true
    }

    /// Letters are folded, unless the word has bytes beyond ASCII: in some client encodings an ASCII letter is then the
    /// second half of a character.
    @inline(__always)
    private mutating func readWord() -> Bool {
        let before = hash
        var (next, head) = (position, UInt64(0))
        while true {
            let piece = WordPiece(loaded(next))
            if next == position { head = piece.folded }
            next += piece.length
            guard piece.length == 8 else {
                let stop = bytes.at(next)
                if stop == 0x24 || stop >= 0x80 {
                    hash = before
                    return readUnusualWord()
                }
                return endWord(piece.folded | UInt64(piece.length) << 56, head, next)
            }
            hash.mix(piece.folded)
        }
    }

    /// Eight bytes, with zeroes after the text's end.
    @inline(__always)
    private func loaded(_ start: Int) -> UInt64 {
        if start + 8 <= text.count { return text.loadUnaligned(fromByteOffset: start, as: UInt64.self).littleEndian }
        guard start < text.count, text.count >= 8 else { return loadedSlowly(start) }
        let word = text.loadUnaligned(fromByteOffset: text.count - 8, as: UInt64.self).littleEndian
        return word >> UInt64(8 * (start + 8 - text.count))
    }

    private func loadedSlowly(_ start: Int) -> UInt64 {
        var word: UInt64 = 0
        for offset in stride(from: text.count - 1, through: start, by: -1) { word = word << 8 | UInt64(text[offset]) }
        return word
    }

    /// A word with a dollar sign or with bytes beyond ASCII in it, byte by byte.
    private mutating func readUnusualWord() -> Bool {
        var next = position
        var fold: UInt8 = 0x20
        while next < text.count, tables.classes[Int(text[next])] & 0x40 != 0 {
            if text[next] >= 0x80 { fold = 0 }
            next += 1
        }
        var (value, head, shift): (UInt64, UInt64, UInt64) = (0, 0, 0)
        for offset in position..<next {
            value |= UInt64(text[offset] | (tables.classes[Int(text[offset])] & fold)) << shift
            shift += 8
            if offset - position < 8 { head = value }
            if shift == 64 {
                hash.mix(value)
                (value, shift) = (0, 0)
            }
        }
        return endWord(value | shift << 53, head, next)
    }

    /// `last` has the number of its bytes on top.
    @inline(__always)
    private mutating func endWord(_ last: UInt64, _ head: UInt64, _ next: Int) -> Bool {
        let length = next - position
        if length == 1, bytes.at(next) == 0x27 || bytes.at(next) == 0x26, let found = readPrefixed(head) {
            return found
        }
        if !isBegun {
            guard tables.isFirst(head, length) else { return false }
            isBegun = true
        } else if tables.suspects(head, length), StatementKeyWords.isRefused(text, position..<next) {
            return false
        }
        return end(.word, last, at: next)
    }

    /// `E'…'` and the like, where the word is one letter; nil when it is none of them.
    private mutating func readPrefixed(_ letter: UInt64) -> Bool? {
        let quote = position + 1
        guard isBegun else { return false }
        if bytes.at(quote) == 0x27 {
            switch UInt8(truncatingIfNeeded: letter) {
            case 0x65: return readString(from: quote, .escape)
            case 0x62, 0x78: return readString(from: quote, .plain)
            default: return nil
            }
        }
        guard letter == 0x75 else { return nil }
        switch bytes.at(quote + 1) {
        case 0x27: return readString(from: quote + 1, .plain)
        // A name that has to be decoded.
        case 0x22: return false
        default: return nil
        }
    }

    private mutating func readString(from quote: Int, _ backslash: StatementBytes.Backslash) -> Bool {
        guard let next = bytes.endOfQuoted(quote, backslash) else { return false }
        hasConstants = true
        return end(.string, 0, at: next)
    }

    /// A quoted name: its length first, for it may have any byte.
    private mutating func readQuoted() -> Bool {
        guard let next = bytes.endOfQuoted(position, .plain) else { return false }
        let content = (position + 1)..<(next - 1)
        _ = end(.quoted, UInt64(content.count), at: next)
        var head: UInt64 = 0
        var offset = content.lowerBound
        while offset < content.upperBound {
            var value: UInt64 = 0
            for index in 0..<min(8, content.upperBound - offset) {
                value |= UInt64(text[offset + index]) << UInt64(8 * index)
            }
            if offset == content.lowerBound { head = value }
            hash.mix(value)
            offset += 8
        }
        return !(tables.suspects(head, content.count) && StatementKeyWords.isRefused(text, content))
    }

    /// `$1`, or a dollar-quoted constant.
    private mutating func readDollar() -> Bool {
        guard tables.classes[Int(bytes.at(position + 1))] == Class.digit else {
            guard let tag = bytes.endOfDollarTag(position), let next = bytes.endOfDollarQuoted(position, tag) else {
                return false
            }
            hasConstants = true
            return end(.string, 0, at: next)
        }
        var next = position + 1
        var number: UInt64 = 0
        while next < text.count, tables.classes[Int(text[next])] == Class.digit, next < position + 7 {
            number = number * 10 + UInt64(text[next] & 0x0F)
            next += 1
        }
        return tables.classes[Int(bytes.at(next))] & 0x40 == 0 && end(.parameter, number, at: next)
    }

    /// As PostgreSQL 15 reads numbers; what later versions read as well (`0x1F`, `1_000`) is refused.
    private mutating func readNumber() -> Bool {
        var next = digits(position)
        if bytes.at(next) == 0x2E {
            // `1..2` is a range in loops of PL/pgSQL.
            guard bytes.at(next + 1) != 0x2E else { return false }
            next = digits(next + 1)
        }
        if bytes.at(next) | 0x20 == 0x65 {
            let sign = bytes.at(next + 1)
            let exponent = sign == 0x2B || sign == 0x2D ? next + 2 : next + 1
            let end = digits(exponent)
            guard end > exponent else { return false }
            next = end
        }
        guard tables.classes[Int(bytes.at(next))] & 0x40 == 0 else { return false }
        hasConstants = true
        return end(.number, 0, at: next)
    }

    @inline(__always)
    private func digits(_ start: Int) -> Int {
        var next = start
        while next < text.count, tables.classes[Int(text[next])] == Class.digit { next += 1 }
        return next
    }

    /// An operator goes as far as it can, but not into a comment; of several bytes it ends in `+` or `-` only if it also
    /// has a byte that no standard operator has, so that `=-1` is `= -1`.
    private mutating func readSymbol() -> Bool {
        var next = position
        var isUnusual = false
        while next < text.count, tables.classes[Int(text[next])] == Class.symbol {
            if bytes.starts(0x2D, 0x2D, at: next) || bytes.starts(0x2F, 0x2A, at: next) { break }
            switch text[next] {
            case 0x7E, 0x21, 0x40, 0x23, 0x5E, 0x26, 0x7C, 0x60, 0x3F, 0x25: isUnusual = true
            default: break
            }
            next += 1
        }
        while !isUnusual, next > position + 1, text[next - 1] == 0x2B || text[next - 1] == 0x2D { next -= 1 }
        guard next - position < 8 else { return false }
        var value: UInt64 = 0
        for offset in position..<next { value = value << 8 | UInt64(text[offset]) }
        return end(.symbol, value | UInt64(next - position) << 56, at: next)
    }
}

/// How many of eight bytes, the first lowest, are letters, digits and underscores, up to the first other one; and those
/// bytes in lower case, with zeroes after them.
private struct WordPiece {
    let length: Int
    let folded: UInt64

    @inline(__always)
    init(_ bytes: UInt64) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops = ones << 7
        let low = bytes & ~tops
        let lower = low | ones << 5
        // A sum reaches the top bit of its byte where the byte is at least the bound.
        let letters = (lower &+ ones &* 0x1F) & ~(lower &+ ones &* 0x05)
        let digits = (low &+ ones &* 0x50) & ~(low &+ ones &* 0x46)
        let underscores = ~((low ^ ones &* 0x5F) &+ ones &* 0x7F)
        let stops = ~((letters | digits | underscores) & ~bytes) & tops
        length = stops == 0 ? 8 : stops.trailingZeroBitCount >> 3
        let kept = length == 8 ? ~0 : (1 as UInt64) << UInt64(8 * length) &- 1
        folded = (bytes | ((letters & tops) >> 2)) & kept
    }
}
