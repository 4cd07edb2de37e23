/// Why a text could not be read, in PostgreSQL's own words where it was PostgreSQL's parser that refused.
package struct SQLSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: Sendable, Equatable {
        /// The parser refused the text.
        case syntax
        /// The text is longer than the limit, in bytes.
        case tooLarge(limit: Int)
        /// The text holds a NUL byte, which no PostgreSQL text can.
        case containsNUL
        /// The parser ran out of memory or gave an answer that cannot be read.
        case parserFailure
    }

    package let reason: Reason
    /// For example `syntax error at or near "FRMO"`.
    package let message: String
    /// Byte offset from the start of the text, from 0; nil where the parser names no place.
    package let offset: Int?
    /// Line, from 1; nil as `offset`.
    package let line: Int?
    /// Column in characters, from 1; nil as `offset`.
    package let column: Int?

    package var description: String {
        guard let line, let column else { return message }
        return "\(message) (line \(line), column \(column))"
    }

    init(reason: Reason, message: String, offset: Int? = nil, in text: SourceText? = nil) {
        self.reason = reason
        self.message = message
        self.offset = offset
        let place = offset.flatMap { offset in text?.place(of: offset) }
        line = place?.line
        column = place?.column
    }
}
