internal import PostgresDriver
internal import SQLSyntax

/// What becomes of a use that meets the guard of a database that its schema has left.
public enum SwitchBehaviour: Sendable, Hashable {
    /// Its error (25006) is the caller's.
    case fail
    /// The closure is run once more, where the schema lives then.
    case runAgain
}

/// One schema, wherever it lives: the handle that services keep. Made by `DatabaseFactory.schema`.
public final class SchemaDatabase: Sendable {
    public let name: String
    /// The role that uses have; nil: the one that logs in.
    public let role: String?
    private let pools: DatabasePools
    private let board: RouteBoard
    private let preparation: String

    /// How long a use that met a guard waits for word of where the schema is.
    private static let patience = Duration.seconds(5)

    init(_ name: String, role: String?, _ pools: DatabasePools, _ board: RouteBoard) {
        self.name = name
        self.role = role
        self.pools = pools
        self.board = board
        let path = name == "public" ? "public" : "\(SQL.identifier(name)), public"
        preparation = "SET search_path TO \(path)" + (role.map { "; SET ROLE \(SQL.identifier($0))" } ?? "")
    }

    /// The layout's name of the database where the schema lives, as last known.
    public var database: String { board.lastHome(of: name) ?? "" }

    /// Uses that are under way in this process, of all handles of this schema.
    public var usesUnderWay: Int { board.usesUnderWay(of: name) }

    /// Uses that wait because a switch holds the schema.
    public var usesWaiting: Int { board.usesWaiting(of: name) }

    /// Lends a connection to the database where the schema lives, with `search_path` set to the schema, then `public`. When
    /// `body` ends, what it left open is rolled back and all settings, locks and temporary tables are gone.
    ///
    /// While a switch holds the schema a use waits before it begins; one that has begun goes on where it is. A use within
    /// another of the same schema, by the same task, goes on with it.
    ///
    /// - Parameter onSwitch: whether `body` is run again where the schema has moved while it ran and a statement was refused
    ///   by the guard there (25006). What `body` had committed before stays: `.runAgain` is for closures that may be run
    ///   twice, or that write nothing before the first statement that the guard refuses.
    /// - Throws: `DatabaseError`, `FactoryError`, `CancellationError`, and what `body` throws.
    @discardableResult
    public nonisolated(nonsending) func withConnection<T>(
        onSwitch: SwitchBehaviour = .fail, _ body: (DatabaseConnection) async throws -> T
    ) async throws -> T {
        var changes: Int?
        do {
            return try await use(&changes, body)
        } catch let error as DatabaseError where error.isReadOnly && onSwitch == .runAgain {
            guard let changes, try await hasMoved(since: changes) else { throw error }
        }
        return try await use(&changes, body)
    }

    /// As `withConnection`, in a transaction: COMMIT when `body` returns, ROLLBACK when it throws.
    ///
    /// - Parameter onSwitch: with `.runAgain`, a transaction that the guard refused begins anew where the schema lives then.
    ///   Nothing of it was committed, so only what `body` does besides is done twice.
    @discardableResult
    public nonisolated(nonsending) func transaction<T>(
        _ mode: TransactionMode = .standard, onSwitch: SwitchBehaviour = .fail,
        _ body: (DatabaseConnection) async throws -> T
    ) async throws -> T {
        try await withConnection(onSwitch: onSwitch) { try await $0.transaction(mode, body) }
    }

    /// One statement on a connection of its own. Throws as `withConnection`.
    @discardableResult
    public func query(_ sql: String, _ parameters: (any DatabaseValue)?...) async throws -> DatabaseRows {
        try await withConnection { try await $0.query(sql, parameters: parameters) }
    }

    // MARK: A use

    private enum Outcome<T> {
        case done(T)
        /// The schema was held or moved before the use began.
        case elsewhere
    }

    /// - Parameter changes: set when the use begins.
    private nonisolated(nonsending) func use<T>(
        _ changes: inout Int?, _ body: (DatabaseConnection) async throws -> T
    ) async throws -> T {
        let outer = SchemaUse.current(name, board)
        while true {
            let home = try await home(outer)
            let outcome: Outcome<T> = try await translating {
                let pool = try await pools.pool(for: name, in: home.database)
                return try await pool.withConnection(preparation: preparation) { connection in
                    guard let use = outer.map(board.begin(within:)) ?? board.begin(name, at: home) else {
                        return .elsewhere
                    }
                    changes = use.changes
                    return .done(try await run(use, connection, body))
                }
            }
            if case .done(let value) = outcome { return value }
        }
    }

    private func home(_ outer: SchemaUse?) async throws -> RouteBoard.Home {
        if let outer { return RouteBoard.Home(database: outer.database, changes: outer.changes) }
        guard let home = try await board.home(of: name) else { throw FactoryError.unknownSchema(name, known: []) }
        return home
    }

    private nonisolated(nonsending) func run<T>(
        _ use: SchemaUse, _ connection: Connection, _ body: (DatabaseConnection) async throws -> T
    ) async throws -> T {
        let lent = DatabaseConnection(connection)
        defer {
            lent.end()
            board.end(use)
        }
        return try await SchemaUse.$current.withValue(use) { try await body(lent) }
    }

    private func hasMoved(since changes: Int) async throws -> Bool {
        // Within another use there is nowhere to go: that one goes on where it is.
        guard SchemaUse.current(name, board) == nil else { return false }
        try await board.askAgain(patience: Self.patience)
        return board.hasChanged(name, since: changes)
    }
}
