/// Statements that the server has seen, from pg_stat_statements, or the knowledge that nobody counts them.
package struct StatementUse: Sendable, Equatable {
    package struct Statement: Sendable, Equatable {
        package var queryID: Int64
        /// Who ran it.
        package var role: OID
        /// Text as pg_stat_statements keeps it: constants replaced by `$1`.
        package var text: String
        package var calls: Int64

        package init(queryID: Int64, role: OID, text: String, calls: Int64) {
            self.queryID = queryID
            self.role = role
            self.text = text
            self.calls = calls
        }
    }

    /// False where the extension is not installed or not readable: use is then unknown, not zero.
    package var isKnown: Bool
    package var statements: [Statement]
    /// When counting began, as text of a timestamptz; nil where unknown.
    package var since: String?

    package init(isKnown: Bool, statements: [Statement] = [], since: String? = nil) {
        self.isKnown = isKnown
        self.statements = statements
        self.since = since
    }

    package static let unknown = StatementUse(isKnown: false)
}
