internal import PostgresDriver
internal import Synchronization

/// A connection of a pool, for as long as the closure runs that it was given to; after that it refuses everything.
///
/// Operations of several tasks take turns. Cancelling a task stops its statement, which then throws `CancellationError`.
public final class DatabaseConnection: Sendable {
    private let connection: Connection
    private let isOver = Mutex(false)

    init(_ connection: Connection) { self.connection = connection }

    /// The server process, as in `pg_stat_activity`.
    public var backendPID: Int32 { connection.backendPID }
    /// Such as 150018 for 15.18.
    public var serverVersion: Int { connection.serverVersion }

    /// Runs one statement with parameters `$1`, `$2`, …, which never become part of its text; nil is NULL.
    ///
    ///     let rows = try await connection.query("SELECT id FROM visits WHERE animal = $1", "Bello")
    ///     let id = try rows[0].value("id", as: Int.self)
    ///
    /// Throws `DatabaseError`, or `CancellationError`.
    @discardableResult
    public func query(_ sql: String, _ parameters: (any DatabaseValue)?...) async throws -> DatabaseRows {
        try await query(sql, parameters: parameters)
    }

    /// As `query`, with the parameters in an array: at most 65,535.
    @discardableResult
    public func query(_ sql: String, parameters: [(any DatabaseValue)?]) async throws -> DatabaseRows {
        try requireUse()
        return try await translating { DatabaseRows(try await connection.query(sql, parameters.driverParameters)) }
    }

    /// Runs any number of statements, separated by semicolons, together in one transaction unless they contain BEGIN and
    /// COMMIT. Throws as `query`.
    public func execute(_ sql: String) async throws {
        try requireUse()
        try await translating { _ = try await connection.execute(sql) }
    }

    /// Gives the rows one after the other, at most some hundred in memory. Throws as `query`, and what `body` throws, after
    /// which the connection is still usable; within `body` the connection takes no other statement.
    public func forEachRow(
        _ sql: String, parameters: [(any DatabaseValue)?] = [], isolation: isolated (any Actor)? = #isolation,
        _ body: (DatabaseRow) async throws -> Void
    ) async throws {
        try requireUse()
        do {
            try await connection.forEachRow(sql, parameters.driverParameters) { try await body(DatabaseRow($0)) }
        } catch { throw DatabaseError.translated(error) }
    }

    /// Runs `body` in a transaction: COMMIT when it returns, ROLLBACK when it throws or the task is cancelled. Statements of
    /// other tasks on this connection wait until it has ended.
    ///
    /// Throws what `body` throws, an error of COMMIT, and `25P02` where `body` swallowed an error of a statement, so that
    /// nothing was committed.
    @discardableResult
    public nonisolated(nonsending) func transaction<T>(
        _ mode: TransactionMode = .standard, _ body: (DatabaseConnection) async throws -> T
    ) async throws -> T {
        try requireUse()
        return try await translating { try await connection.transaction(mode.options) { _ in try await body(self) } }
    }

    func end() { isOver.withLock { $0 = true } }

    private func requireUse() throws {
        guard isOver.withLock({ $0 }) else { return }
        throw DatabaseError(
            .closed, "this connection went back to its pool when the closure that had it ended",
            hint: "do what needs it inside the closure, and await it there")
    }
}

/// How a transaction begins.
public struct TransactionMode: Sendable, Hashable {
    let options: TransactionOptions

    /// As the server's settings have it: READ COMMITTED unless they were changed.
    public static let standard = TransactionMode(options: TransactionOptions())
    /// One unchanging view of the database, for reading only.
    public static let snapshot = TransactionMode(options: .snapshot)
    public static let repeatableRead = TransactionMode(options: TransactionOptions(isolation: .repeatableRead))
    /// Be ready to run it again: see `DatabaseError.isRetryable`.
    public static let serializable = TransactionMode(options: TransactionOptions(isolation: .serializable))
}
