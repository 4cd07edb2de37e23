/// A text with its line starts, so that a byte offset becomes a line without reading the text again.
package final class SourceText: Sendable {
    package let bytes: [UInt8]
    private let lineStarts: [Int]

    package convenience init(_ text: String) {
        self.init(Array(text.utf8))
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var starts = [0]
        for (offset, byte) in bytes.enumerated() where byte == 0x0A { starts.append(offset + 1) }
        lineStarts = starts
    }

    /// The line of a byte offset, from 1. Offsets outside the text give the nearest line.
    package func line(of offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The text of a line, from 1, without its line end; nil when there is no such line.
    package func text(ofLine line: Int) -> String? {
        guard line >= 1, line <= lineStarts.count else { return nil }
        let start = lineStarts[line - 1]
        var end = line < lineStarts.count ? lineStarts[line] - 1 : bytes.count
        if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// The text of a byte range, cut to the text.
    package func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range.clamped(to: 0..<bytes.count)], as: UTF8.self)
    }

    func place(of offset: Int) -> (line: Int, column: Int) {
        let bounded = min(max(offset, 0), bytes.count)
        let line = line(of: bounded)
        let characters = String(decoding: bytes[lineStarts[line - 1]..<bounded], as: UTF8.self).unicodeScalars.count
        return (line, characters + 1)
    }

    /// The byte offset of the scalar with this number, from 0: PostgreSQL counts positions in characters.
    func offset(ofScalar number: Int) -> Int {
        var seen = -1
        for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
            seen += 1
            if seen == number { return offset }
        }
        return bytes.count
    }
}
