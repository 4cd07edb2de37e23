internal import Planning
internal import PostgresDriver
internal import Synchronization

/// One pool for each database of the layout, and one for each connection string that a schema has of its own.
///
/// Opened when first used. Several schemas in one database share its pool: not schemas cost connections, databases do.
final class DatabasePools: Sendable {
    private struct Known: Sendable {
        var settings: ConnectionSettings?
        var text: SecretText?
        var variable: String?
        var layout: Database.Pool?
    }

    private enum PoolKey: Hashable {
        case database(String)
        /// By its text: schemas with the same URL share the pool.
        case url(SecretText)
    }

    private struct State {
        var pools: [PoolKey: ConnectionPool] = [:]
        /// Whether a schema's own connection string leads to a database, asked once for each.
        var ownURLs: [String: Bool] = [:]
        var isClosed = false
    }

    private let known: [String: Known]
    private let names: [String]
    private let urls: [String: SchemaURL]
    private let options: FactoryOptions
    private let report: @Sendable (FactoryEvent) -> Void
    private let state = Mutex(State())

    init(
        _ layout: Layout, urls: [String: SchemaURL], options: FactoryOptions,
        report: @escaping @Sendable (FactoryEvent) -> Void
    ) throws {
        self.urls = urls
        self.options = options
        self.report = report
        names = layout.databases.isEmpty ? [layout.mainDatabase] : layout.databases.map(\.name)
        var known: [String: Known] = [layout.mainDatabase: Known()]
        for database in layout.databases {
            known[database.name] = Known(
                settings: try database.url.map {
                    try Self.ready(.parsed($0, from: "databases.\(database.name).url"), database.pool)
                }, text: database.url.map(SecretText.init), variable: database.urlVariable, layout: database.pool)
        }
        self.known = known
    }

    /// A server that is gone without a word is noticed, and a slow start is bounded, unless the URL says otherwise.
    private static func ready(_ settings: ConnectionSettings, _ pool: Database.Pool?) throws -> ConnectionSettings {
        var defaults = ["tcp_user_timeout": "15000", "keepalives_idle": "15", "keepalives_interval": "5"]
        if let pool { defaults["connect_timeout"] = String(max(2, pool.connectTimeout.components.seconds)) }
        return try settings.filling(defaults)
    }

    func settings(of database: String) throws -> ConnectionSettings {
        guard let entry = known[database] else { throw FactoryError.unknownDatabase(database, known: names) }
        guard let settings = entry.settings else {
            throw FactoryError.noURL(database: database, variable: entry.variable)
        }
        return settings
    }

    /// The pool of a database of the layout.
    func pool(_ database: String) throws -> ConnectionPool {
        try pool(.database(database), settings(of: database), known[database]?.layout)
    }

    /// The pool for a schema that lives in `home` now.
    func pool(for schema: String, in home: String) async throws -> ConnectionPool {
        guard known[home] != nil else { throw FactoryError.unlistedHome(schema: schema, database: home) }
        guard let url = urls[schema], known[home]?.text != url.text, try await leads(url, to: home) else {
            return try pool(home)
        }
        return try pool(.url(url.text), Self.ready(url.settings, known[home]?.layout), known[home]?.layout)
    }

    private func pool(
        _ key: PoolKey, _ settings: ConnectionSettings, _ layout: Database.Pool?
    ) throws -> ConnectionPool {
        let settings = try settings.filling(["application_name": Self.shortened(options.name ?? "")])
        return try state.withLock { state in
            if state.isClosed { throw DatabaseError(.closed, "the database factory was closed") }
            if let pool = state.pools[key] { return pool }
            let pool = ConnectionPool(
                settings, size: size(layout), acquireTimeout: acquireTimeout(layout),
                bounds: PoolBounds(
                    lifetime: options.lifetime ?? layout?.serverLifetime ?? .seconds(3600),
                    idleTimeout: options.idleTimeout ?? layout?.idleTimeout ?? .seconds(600),
                    waiting: max(0, options.maxWaiting)))
            state.pools[key] = pool
            return pool
        }
    }

    private func size(_ layout: Database.Pool?) -> Int { min(max(options.poolSize ?? layout?.size ?? 10, 1), 1000) }

    private func acquireTimeout(_ layout: Database.Pool?) -> Duration {
        let layout = layout?.queryWaitTimeout == .zero ? .seconds(3600) : layout?.queryWaitTimeout
        return min(max(options.acquireTimeout ?? layout ?? .seconds(30), .milliseconds(1)), .seconds(3600))
    }

    /// At a character: 63 bytes are what PostgreSQL keeps of it.
    static func shortened(_ name: String) -> String {
        var name = name
        while name.utf8.count > 63 { name.removeLast() }
        return name
    }

    // MARK: A schema's own URL

    /// Whether the URL leads to the database `home`. Where it leads to another one of the layout, it is kept for the time
    /// when the schema lives there; where it leads to none, it is an error: going there would pass a switch by.
    private func leads(_ url: SchemaURL, to home: String) async throws -> Bool {
        let key = "\(url.variable) \(home)"
        if let answer = state.withLock({ $0.ownURLs[key] }) { return answer }
        let own = try await ServerIdentity.read(url.settings)
        let answer = try await own == identity(of: home)
        if own.isReplica { throw foreign(url, home, "a replica, where nothing can be written") }
        if !answer {
            try await requireListed(url, own, besides: home)
            report(.urlNotUsed(variable: url.variable, schema: url.schema, home: home))
        }
        state.withLock { $0.ownURLs[key] = answer }
        return answer
    }

    private func identity(of database: String) async throws -> ServerIdentity {
        try await ServerIdentity.read(settings(of: database))
    }

    private func requireListed(_ url: SchemaURL, _ own: ServerIdentity, besides home: String) async throws {
        var unreached: [String] = []
        for name in names where name != home {
            if known[name]?.text == url.text { return }
            do {
                if try await identity(of: name) == own { return }
            } catch is CancellationError {
                throw CancellationError()
            } catch { unreached.append(name) }
        }
        let rest = unreached.isEmpty ? "" : " (of which \(unreached.joined(separator: ", ")) could not be asked)"
        throw foreign(url, home, "which is none of the layout's databases\(rest)")
    }

    private func foreign(_ url: SchemaURL, _ home: String, _ reason: String) -> FactoryError {
        .foreignURL(
            variable: url.variable, leadsTo: url.settings.description, schema: url.schema, home: home, reason: reason)
    }

    // MARK: All of them

    /// Closes all pools and waits until their idle connections have ended.
    func close() async {
        let pools = state.withLock { state in
            state.isClosed = true
            defer { state.pools = [:] }
            return state.pools
        }
        for pool in pools.values { await pool.close() }
    }

    /// Open connections of all pools.
    func openConnections() async -> Int {
        var count = 0
        for pool in state.withLock({ Array($0.pools.values) }) { count += await pool.openCount }
        return count
    }

    var poolCount: Int { state.withLock { $0.pools.count } }
}
