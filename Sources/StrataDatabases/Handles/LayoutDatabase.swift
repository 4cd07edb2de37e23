internal import PostgresDriver

/// One database of the layout, by its name there: for what belongs to a database and not to a schema. It follows no switch.
/// Made by `DatabaseFactory.database`.
public final class LayoutDatabase: Sendable {
    public let name: String
    private let pool: ConnectionPool

    init(_ name: String, _ pool: ConnectionPool) {
        self.name = name
        self.pool = pool
    }

    /// Lends a connection, with the server's own settings. When `body` ends, what it left open is rolled back.
    /// Throws `DatabaseError`, `CancellationError`, and what `body` throws.
    @discardableResult
    public nonisolated(nonsending) func withConnection<T>(
        _ body: (DatabaseConnection) async throws -> T
    ) async throws -> T {
        try await translating {
            try await pool.withConnection { connection in
                let lent = DatabaseConnection(connection)
                defer { lent.end() }
                return try await body(lent)
            }
        }
    }

    /// As `withConnection`, in a transaction: COMMIT when `body` returns, ROLLBACK when it throws.
    @discardableResult
    public nonisolated(nonsending) func transaction<T>(
        _ mode: TransactionMode = .standard, _ body: (DatabaseConnection) async throws -> T
    ) async throws -> T {
        try await withConnection { try await $0.transaction(mode, body) }
    }
}
