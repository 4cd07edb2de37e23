/// Where constants, quoted names and comments end, by PostgreSQL's lexical rules. Over bytes, without allocation; nil for
/// what is not terminated. Positions are byte offsets.
struct StatementBytes {
    let text: UnsafeRawBufferPointer

    @inline(__always)
    func at(_ position: Int) -> UInt8 { position < text.count ? text[position] : 0 }

    func starts(_ first: UInt8, _ second: UInt8, at position: Int) -> Bool {
        at(position) == first && at(position + 1) == second
    }

    /// After `--` up to the line end; the text's end will do, too.
    func endOfLine(_ start: Int) -> Int {
        var position = start
        while position < text.count, text[position] != 0x0A, text[position] != 0x0D { position += 1 }
        return position
    }

    /// After `/* … */`, which nest.
    func endOfComment(_ start: Int) -> Int? {
        var depth = 0
        var position = start
        while position + 1 < text.count {
            if starts(0x2F, 0x2A, at: position) {
                depth += 1
                position += 2
            } else if starts(0x2A, 0x2F, at: position) {
                depth -= 1
                position += 2
                if depth == 0 { return position }
            } else {
                position += 1
            }
        }
        return nil
    }

    enum Backslash {
        /// It is a byte like others.
        case plain
        /// Nobody here knows `standard_conforming_strings`: nil.
        case refused
        /// It takes the next byte with it.
        case escape
    }

    /// After the quote that ends what begins with a quote at `start`. A doubled quote is one byte of the content.
    func endOfQuoted(_ start: Int, _ backslash: Backslash) -> Int? {
        let quote = text[start]
        var position = start + 1
        while true {
            position = skipOrdinary(position, quote)
            guard position < text.count else { return nil }
            switch text[position] {
            case quote:
                guard at(position + 1) == quote else { return position + 1 }
                position += 2
            case 0x5C:
                switch backslash {
                case .refused: return nil
                case .plain: position += 1
                case .escape:
                    // In some client encodings this is the second half of a character.
                    guard text[position - 1] < 0x80, position + 1 < text.count else { return nil }
                    position += 2
                }
            case 0: return nil
            default: position += 1
            }
        }
    }

    /// Past bytes that are neither the quote nor a backslash nor NUL, eight at a time.
    @inline(__always)
    private func skipOrdinary(_ start: Int, _ quote: UInt8) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var position = start
        while position + 8 <= text.count {
            let word = text.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian
            let quotes = word ^ (ones &* UInt64(quote))
            let backslashes = word ^ (ones &* 0x5C)
            let zero = ((word &- ones) & ~word) | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
            let marks = zero & (ones << 7)
            // The lowest mark is exact; those above it may not be.
            if marks != 0 { return position + marks.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < text.count, text[position] != quote, text[position] != 0x5C, text[position] != 0 {
            position += 1
        }
        return position
    }

    /// After `$$` or `$tag$` at `start`; nil when no dollar quote begins there.
    func endOfDollarTag(_ start: Int) -> Int? {
        let classes = StatementKeyTables.shared.classes
        var position = start + 1
        while position < text.count, text[position] != 0x24 {
            let kind = classes[Int(text[position])]
            let isInitial = kind & 0x40 != 0 && kind != StatementKeyTables.Class.digit
            guard isInitial || (kind == StatementKeyTables.Class.digit && position > start + 1) else { return nil }
            position += 1
        }
        return position < text.count ? position + 1 : nil
    }

    /// After the dollar quote whose opening tag is `start..<tagEnd`.
    func endOfDollarQuoted(_ start: Int, _ tagEnd: Int) -> Int? {
        let length = tagEnd - start
        var position = tagEnd
        while position + length <= text.count {
            if text[position] == 0x24, isEqual(start, position, length) { return position + length }
            if text[position] == 0 { return nil }
            position += 1
        }
        return nil
    }

    private func isEqual(_ left: Int, _ right: Int, _ length: Int) -> Bool {
        for offset in 0..<length where text[left + offset] != text[right + offset] { return false }
        return true
    }

    /// Whether a comment may have a directive or a tag: `strata:`, or `='`.
    func hasDirective(_ range: Range<Int>) -> Bool {
        var position = range.lowerBound
        while position < range.upperBound {
            if starts(0x3D, 0x27, at: position) || isMark(position) { return true }
            position += 1
        }
        return false
    }

    /// `strata:` at this place.
    func isMark(_ position: Int) -> Bool {
        at(position) == 0x73 && at(position + 1) == 0x74 && at(position + 2) == 0x72 && at(position + 3) == 0x61
            && at(position + 4) == 0x74 && at(position + 5) == 0x61 && at(position + 6) == 0x3A
    }
}
