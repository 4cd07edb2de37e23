internal import Foundation
internal import Planning
internal import PostgresDriver
internal import Synchronization

/// The databases of a layout, for a service that talks to them without the proxy.
///
///     let databases = try await DatabaseFactory(layout: "strata.yaml")
///     let audit = try databases.schema("audit")
///     try await audit.transaction { try await $0.query("INSERT INTO data_deletions (user_id) VALUES ($1)", id) }
///
/// Keep one for each process: `shared`, or your own. Each schema has one handle, each database one bounded pool, whatever
/// the number of its schemas. Where the layout has several databases, a connection to the main one follows the routes: a
/// switch that moves a schema is followed without a restart.
public final class DatabaseFactory: Sendable {
    private struct HandleKey: Hashable {
        var schema: String
        var role: String?
    }

    private struct State {
        var schemas: [HandleKey: SchemaDatabase] = [:]
        var databases: [String: LayoutDatabase] = [:]
    }

    // Not the layout, whose connection strings must not be kept where reflection finds them.
    private let schemaNames: [String]
    /// The schemas that each role of the layout has rights to.
    private let rights: [String: Set<String>]
    private let pools: DatabasePools
    private let board: RouteBoard
    private let follower: Task<Void, Never>?
    private let state = Mutex(State())

    /// In `strata.followers`: 16 hexadecimal digits, of this factory alone.
    public let id: String

    /// Reads the layout and, where it has several databases, where each schema lives now. Other connections are opened when
    /// they are needed.
    ///
    /// - Parameters:
    ///   - path: the layout file.
    ///   - environment: what `${NAME}` in it, and `<SCHEMA>_DB_URL`, are taken from; nil: the process's.
    /// - Throws: `FactoryError`; `DatabaseError` where the main database cannot be reached or read, without which nobody
    ///   knows where the schemas are.
    public convenience init(
        layout path: String, environment: [String: String]? = nil, options: FactoryOptions = FactoryOptions()
    ) async throws {
        let text = try LayoutText.read(path)
        try await self.init(layoutText: text, file: path, environment: environment, options: options)
    }

    /// As `init(layout:)`, with the text of the layout.
    ///
    /// - Parameter file: its name, for messages.
    public init(
        layoutText: String, file: String = "layout", environment: [String: String]? = nil,
        options: FactoryOptions = FactoryOptions()
    ) async throws {
        var options = options
        options.name = DatabasePools.shortened(options.name ?? ProcessInfo.processInfo.processName)
        options.holdGrace = min(max(options.holdGrace, .zero), .seconds(60))
        let environment = environment ?? ProcessInfo.processInfo.environment
        let report = options.onEvent ?? { _ in }
        let layout = try LayoutText.decode(layoutText, file: file, environment, report)
        let placements = Dictionary(
            layout.schemas.map { ($0.name, $0.database ?? layout.mainDatabase) },
            uniquingKeysWith: { first, _ in first })
        let urls = try SchemaURL.read(placements.keys.sorted(), environment)
        let pools = try DatabasePools(layout, urls: urls, options: options, report: report)
        let board = RouteBoard(
            placements: placements, main: layout.mainDatabase, grace: options.holdGrace,
            isFollowed: layout.databases.count > 1)
        id = String(UInt64.random(in: 1...UInt64.max) | 1 << 63, radix: 16)
        schemaNames = layout.schemas.map(\.name)
        rights = Dictionary(
            layout.roles.map { ($0.name, Set(($0.read + $0.write).map(\.value))) }, uniquingKeysWith: { $0.union($1) })
        self.pools = pools
        self.board = board
        guard layout.databases.count > 1 else {
            follower = nil
            return
        }
        let routes = RouteFollower(
            id: id, name: options.name ?? "",
            settings: try pools.settings(of: layout.mainDatabase).settings([
                "application_name": "strata follower \(id)"
            ]), board: board, away: placements.filter { $0.value != layout.mainDatabase },
            isFilled: { schema, database in
                try await pools.pool(database).withConnection(timeout: .seconds(2)) {
                    try await RouteRecord.isFilled(schema, $0)
                }
            }, report: report)
        let first = try await translating { try await routes.begin() }
        follower = Task { await routes.run(first) }
    }

    deinit { follower?.cancel() }

    /// The handle of a schema of the layout: always the same one.
    ///
    /// - Parameter role: `SET ROLE` for each use: a role that the layout gives rights to the schema, and of which the one
    ///   that logs in is a member. It keeps mistakes apart and is no protection: RESET ROLE leaves it. nil: as logged in.
    /// - Throws: `FactoryError.unknownSchema`, `.roleWithoutRights`.
    public func schema(_ name: String, role: String? = nil) throws -> SchemaDatabase {
        guard schemaNames.contains(name) else { throw FactoryError.unknownSchema(name, known: schemaNames) }
        if let role, rights[role]?.contains(name) != true {
            throw FactoryError.roleWithoutRights(role: role, schema: name)
        }
        return state.withLock { state in
            let key = HandleKey(schema: name, role: role)
            if let handle = state.schemas[key] { return handle }
            let handle = SchemaDatabase(name, role: role, pools, board)
            state.schemas[key] = handle
            return handle
        }
    }

    /// The handle of a database of the layout: always the same one.
    ///
    /// Throws `FactoryError.unknownDatabase`, `.noURL`.
    public func database(_ name: String) throws -> LayoutDatabase {
        let pool = try pools.pool(name)
        return state.withLock { state in
            if let handle = state.databases[name] { return handle }
            let handle = LayoutDatabase(name, pool)
            state.databases[name] = handle
            return handle
        }
    }

    /// Ends everything: waits until the row in `strata.followers` is gone and idle connections have ended; connections in
    /// use end when they come back. Later uses throw `DatabaseError` of kind `.closed`.
    public func close() async {
        board.close()
        follower?.cancel()
        await follower?.value
        await pools.close()
    }

    /// Whether the main database is being followed now; true where there is nothing to follow.
    public var isFollowing: Bool { board.isConnected }

    /// Pools that have been opened.
    public var poolCount: Int { pools.poolCount }

    /// Connections that are open in all pools; the one that follows the routes comes on top.
    public func openConnections() async -> Int { await pools.openConnections() }
}
