/// Why a text is not JSON, or not JSON that is taken, and where.
package struct JSONError: Error, Sendable, Hashable {
    /// The kind, for programs.
    package enum Code: String, Sendable {
        case syntax
        case endOfText = "end-of-text"
        case trailingBytes = "trailing-bytes"
        case byteOrderMark = "byte-order-mark"
        case encoding
        case nulCharacter = "nul-character"
        case loneSurrogate = "lone-surrogate"
        case duplicateKey = "duplicate-key"
        case tooDeep = "too-deep"
        case tooLong = "too-long"
        case numberTooLong = "number-too-long"
        case exponentTooLarge = "exponent-too-large"
        /// The text is fine; something else was asked of the scanner than comes next.
        case unexpectedType = "unexpected-type"
    }

    package var code: Code
    package var message: String
    /// In bytes, from 0.
    package var offset: Int
    /// From 1; lines end with LF, CR LF or CR.
    package var line: Int
    /// From 1, in Unicode scalars.
    package var column: Int
}

extension JSONError: CustomStringConvertible {
    package var description: String { "line \(line), column \(column): \(message)" }
}

extension JSONError {
    init(_ code: Code, _ message: String, at offset: Int, in bytes: UnsafeRawBufferPointer) {
        self.init(code: code, message: message, offset: offset, line: 1, column: 1)
        let end = min(offset, bytes.count)
        for index in 0..<end {
            let isBreak =
                bytes[index] == 0x0A || (bytes[index] == 0x0D && !(index + 1 < end && bytes[index + 1] == 0x0A))
            if isBreak {
                line += 1
                column = 1
            } else if bytes[index] & 0xC0 != 0x80, bytes[index] != 0x0D {
                column += 1
            }
        }
    }
}
