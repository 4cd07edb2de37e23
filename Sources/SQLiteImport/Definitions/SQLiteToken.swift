/// A word of SQLite's SQL. White space and comments are none.
package struct SQLiteToken: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// A keyword or a name without quotes; `text` is as written.
        case word
        /// `"x"`, which SQLite takes for a string where nothing has that name.
        case quotedName
        /// `x` in backticks or brackets: always a name.
        case bracketedName
        /// `'x'`, which SQLite takes for a name where only a name can stand.
        case string
        /// `x'…'`; `text` is the hexadecimal digits.
        case blob
        /// As written, such as 0x1F or 1.5e3.
        case number
        /// `?1`, `:name`: cannot stand in a definition.
        case variable
        /// An operator, a bracket, a comma, a full stop or a semicolon.
        case symbol
    }
    package var kind: Kind
    /// Without quotes, doubled ones made single.
    package var text: String
    /// Its bytes in the statement.
    package var range: Range<Int>

    package var isName: Bool { kind != .blob && kind != .number && kind != .variable && kind != .symbol }

    /// Whether it is this keyword, given in capitals.
    package func isWord(_ keyword: String) -> Bool {
        kind == .word && text.utf8.count == keyword.utf8.count && text.uppercased() == keyword
    }

    package func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
}

/// Why a statement of the file cannot be read, and where.
package struct DefinitionProblem: Error, Sendable, Hashable, CustomStringConvertible {
    package var message: String
    /// Byte of the statement, from 0.
    package var offset: Int

    package init(_ message: String, at offset: Int) { (self.message, self.offset) = (message, offset) }

    package var description: String { "\(message) (byte \(offset))" }
}
