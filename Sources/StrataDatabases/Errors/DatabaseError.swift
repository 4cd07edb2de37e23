internal import PostgresDriver

/// What went wrong between this process and a database. No field ever holds a password or a parameter's value.
public struct DatabaseError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The server refused or failed a statement; `sqlState` is set.
        case server
        /// There is no connection, or none any more; what the statement did is unknown.
        case connection
        /// All connections of the pool stayed in use for the whole time, or too many were waiting for one already.
        case poolExhausted
        /// The factory was closed, or the connection went back to its pool when its closure ended.
        case closed
        /// A value in a result is not what the caller asked for.
        case decoding
        /// What the caller passed cannot be sent, or not now.
        case invalidInput
    }

    public var kind: Kind
    /// Five characters, as in appendix A of PostgreSQL's documentation.
    public var sqlState: String?
    public var message: String
    public var detail: String?
    public var hint: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?
    /// Without its parameters, at most 2,048 bytes, password literals masked.
    public var statement: String?

    /// The same transaction, run again from its start, may succeed (40001, 40P01).
    public var isRetryable: Bool { sqlState == "40001" || sqlState == "40P01" }
    /// A write was refused because the database, or the table in it, may only be read (25006): so do the guards of the
    /// database that a schema has left.
    public var isReadOnly: Bool { sqlState == "25006" }

    public var description: String {
        var lines = [sqlState.map { "\($0): \(message)" } ?? message]
        for case (let label, let text?) in [("DETAIL", detail), ("HINT", hint), ("STATEMENT", statement)] {
            lines.append("\(label): \(text)")
        }
        return lines.joined(separator: "\n")
    }

    init(_ kind: Kind, _ message: String, hint: String? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
    }
}

extension DatabaseError {
    init(_ error: PostgresError) {
        self.init(Self.kind(of: error), error.message, hint: error.hint)
        sqlState = error.sqlState?.rawValue
        detail = error.detail
        schema = error.schema
        table = error.table
        column = error.column
        constraint = error.constraint
        statement = error.statement
    }

    init(_ error: PoolError) {
        switch error {
        case .closed: self.init(.closed, "the database factory was closed")
        case .timedOut, .tooManyWaiting:
            self.init(
                .poolExhausted, error.description,
                hint: "hold connections for shorter, or give the pool a larger size")
        }
    }

    private static func kind(of error: PostgresError) -> Kind {
        if error.isConnectionLost { return .connection }
        return switch error.kind {
        case .server: .server
        case .connection: .connection
        case .decoding: .decoding
        case .protocolViolation, .invalidInput: .invalidInput
        }
    }

    /// The driver's errors as this library's; others, such as those of the caller's closure, as they are.
    static func translated(_ error: any Error) -> any Error {
        switch error {
        case let error as PostgresError: DatabaseError(error)
        case let error as PoolError: DatabaseError(error)
        default: error
        }
    }
}

/// Runs `body` and translates what it throws.
nonisolated(nonsending) func translating<T>(_ body: () async throws -> T) async throws -> T {
    do { return try await body() } catch { throw DatabaseError.translated(error) }
}
