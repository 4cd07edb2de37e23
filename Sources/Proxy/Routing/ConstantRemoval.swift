/// A statement's text with `?` for each constant and no comments: what may be logged and shown. Reads any bytes; a text
/// that ends inside a constant loses the rest.
enum ConstantRemoval {
    static func text(of statement: UnsafeBufferPointer<UInt8>, limit: Int = 1_000) -> String {
        var reader = Reader(bytes: statement, limit: limit)
        reader.run()
        return String(decoding: reader.output, as: UTF8.self)
    }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        let limit: Int
        var output: [UInt8] = []
        private var position = 0

        init(bytes: UnsafeBufferPointer<UInt8>, limit: Int) {
            self.bytes = bytes
            self.limit = limit
            output.reserveCapacity(min(bytes.count, limit))
        }

        private func peek(_ distance: Int = 0) -> UInt8 {
            position + distance < bytes.count ? bytes[position + distance] : 0
        }

        mutating func run() {
            while position < bytes.count, output.count < limit { step() }
            while output.last == 0x20 { output.removeLast() }
        }

        private mutating func step() {
            let byte = peek()
            switch byte {
            case UInt8(ascii: "'"): skipString(escapes: endsWithEscapeMark())
            case UInt8(ascii: "\""): copyQuotedName()
            case UInt8(ascii: "$") where !isWord(output.last ?? 0): dollar()
            case UInt8(ascii: "-") where peek(1) == byte: skipLine()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): skipComment()
            case UInt8(ascii: "0")...UInt8(ascii: "9") where !isWord(output.last ?? 0): skipNumber()
            case 0x20, 0x09...0x0D:
                if let last = output.last, last != 0x20 { output.append(0x20) }
                position += 1
            default:
                output.append(byte)
                position += 1
            }
        }

        private func isWord(_ byte: UInt8) -> Bool {
            byte == 0x5F || byte == 0x24 || byte >= 0x80 || (0x30...0x39).contains(byte)
                || (0x41...0x5A).contains(byte & 0xDF)
        }

        /// `E'…'` has escapes; the E has been copied and goes.
        private mutating func endsWithEscapeMark() -> Bool {
            guard let last = output.last, last & 0xDF == UInt8(ascii: "E"),
                output.count < 2 || !isWord(output[output.count - 2])
            else { return false }
            output.removeLast()
            return true
        }

        private mutating func skipString(escapes: Bool) {
            position += 1
            while position < bytes.count {
                let byte = peek()
                position += 1
                if byte == UInt8(ascii: "\\"), escapes { position += 1 }
                guard byte == UInt8(ascii: "'") else { continue }
                if peek() != byte { break }
                position += 1
            }
            output.append(UInt8(ascii: "?"))
        }

        private mutating func copyQuotedName() {
            repeat {
                output.append(peek())
                position += 1
            } while position < bytes.count && peek() != UInt8(ascii: "\"")
            if position < bytes.count { output.append(UInt8(ascii: "\"")) }
            position += 1
        }

        /// `$1`, or `$tag$ … $tag$`.
        private mutating func dollar() {
            var end = position + 1
            while end < bytes.count, isWord(bytes[end]), bytes[end] != UInt8(ascii: "$") { end += 1 }
            let isParameter = (0x30...0x39).contains(peek(1))
            guard !isParameter, end < bytes.count, bytes[end] == UInt8(ascii: "$") else {
                output.append(UInt8(ascii: "$"))
                position += 1
                while isParameter, position < end {
                    output.append(peek())
                    position += 1
                }
                return
            }
            let tag = bytes[position...end]
            position = end + 1
            while position < bytes.count {
                if position + tag.count <= bytes.count,
                    bytes[position..<(position + tag.count)].elementsEqual(tag)
                {
                    position += tag.count
                    break
                }
                position += 1
            }
            output.append(UInt8(ascii: "?"))
        }

        private mutating func skipNumber() {
            while isWord(peek()) || peek() == UInt8(ascii: ".") { position += 1 }
            output.append(UInt8(ascii: "?"))
        }

        private mutating func skipLine() {
            while position < bytes.count, peek() != 0x0A { position += 1 }
        }

        private mutating func skipComment() {
            var depth = 0
            repeat {
                if peek() == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                    depth += 1
                    position += 2
                } else if peek() == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                    depth -= 1
                    position += 2
                } else {
                    position += 1
                }
            } while depth > 0 && position < bytes.count
        }
    }
}
