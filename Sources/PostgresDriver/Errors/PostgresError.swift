/// Everything that goes wrong between this process and a server. No field ever holds a password or a parameter's value.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The server refused or failed a statement; `sqlState` is set.
        case server
        /// There is no connection, or none any more.
        case connection(ConnectionFailure)
        /// The peer, or the caller, broke the order of the protocol.
        case protocolViolation
        /// A value in a result is not what the caller asked for.
        case decoding
        /// What the caller passed cannot be sent: a malformed connection string, a NUL byte, a COPY sent as a query.
        case invalidInput
    }

    package var kind: Kind
    package var sqlState: SQLState?
    /// `ERROR`, `FATAL` or `PANIC`, never translated; nil where the server did not say it.
    package var severity: String?
    package var message: String
    package var detail: String?
    package var hint: String?
    /// Where in the server it happened (function, line); lines that would show parameter values are left out.
    package var context: String?
    /// 1-based character in `statement`.
    package var position: Int?
    package var schema: String?
    package var table: String?
    package var column: String?
    package var constraint: String?
    /// The statement without its parameters, at most 2,048 bytes, password literals masked.
    package private(set) var statement: String?

    package init(_ kind: Kind, _ message: String, sqlState: SQLState? = nil, hint: String? = nil) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
        self.hint = hint
    }

    /// Adds the statement, masked and truncated.
    package func about(statement: String) -> PostgresError {
        var copy = self
        copy.statement = Redaction.statement(statement)
        return copy
    }

    /// The connection cannot be used any more; open another.
    package var isConnectionLost: Bool {
        if case .connection = kind { return true }
        // Not by SQLSTATE: class 08 as a mere ERROR is about a connection of the server's own (subscriptions, dblink).
        return severity == "FATAL" || severity == "PANIC"
    }

    /// `lock_timeout` ran out, or NOWAIT found the lock taken (55P03).
    package var isLockTimeout: Bool { sqlState == .lockNotAvailable }

    /// The same transaction, run again from its start, may succeed (40001, 40P01).
    package var isRetryable: Bool { sqlState == .serializationFailure || sqlState == .deadlockDetected }

    /// The server stopped the statement: `statement_timeout`, or somebody else's cancel request (57014).
    package var isQueryCanceled: Bool { sqlState == .queryCanceled }

    /// The reason, when `kind` is `.connection`.
    package var connectionFailure: ConnectionFailure? {
        if case .connection(let failure) = kind { failure } else { nil }
    }

    package var description: String {
        var lines = [[severity, sqlState?.rawValue].compactMap(\.self).joined(separator: " ")]
        lines[0] = lines[0].isEmpty ? message : "\(lines[0]): \(message)"
        let more = [("DETAIL", detail), ("HINT", hint), ("CONTEXT", context), ("STATEMENT", statement)]
        for case (let label, let text?) in more { lines.append("\(label): \(text)") }
        return lines.joined(separator: "\n")
    }
}
