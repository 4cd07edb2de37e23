internal import Synchronization

/// Databases that the layout does not list and that clients ask for (`any_database`): on the main database's primary,
/// without replicas. They are bounded, and each is there for as long as a loop has use for it.
package final class GuestDatabases: Sendable {
    static let limit = 100
    /// Without a client for so long, its servers are closed and it is forgotten.
    package static let patience = Duration.seconds(60)

    private struct Guest {
        let database: ProxyDatabase
        let watcher: Task<Void, Never>
        /// Loops that have it.
        var loops = 0
    }

    private let guests = Mutex<[String: Guest]>([:])

    /// For one more loop, which gives it back with `release`.
    /// - Parameter watch: runs until it is cancelled.
    /// - Returns: nil where there are too many.
    func take(
        _ name: String, make: () throws -> ProxyDatabase, watch: @escaping @Sendable (ProxyDatabase) async -> Void
    ) throws -> ProxyDatabase? {
        try guests.withLock { guests in
            if let known = guests[name] {
                guests[name]?.loops += 1
                return known.database
            }
            guard guests.count < Self.limit else { return nil }
            let made = try make()
            guests[name] = Guest(
                database: made, watcher: Task(executorPreference: ThreadExecutor.watchers) { await watch(made) },
                loops: 1)
            return made
        }
    }

    func release(_ name: String) {
        guests.withLock { guests in
            guard var guest = guests[name] else { return }
            guest.loops -= 1
            guests[name] = guest.loops > 0 ? guest : nil
            if guest.loops == 0 { guest.watcher.cancel() }
        }
    }

    /// At the end.
    func releaseAll() {
        guests.withLock { guests in
            for guest in guests.values { guest.watcher.cancel() }
            guests = [:]
        }
    }

    var databases: [ProxyDatabase] { guests.withLock { $0.values.map(\.database) } }
    var count: Int { guests.withLock { $0.count } }
}

extension Worker {
    /// - Throws: why there is no such database here.
    func guest(named name: String) throws(GuestRefusal) -> WorkerDatabase? {
        guard configuration.anyDatabase, let main = shared.databases.first, !name.isEmpty else { return nil }
        let (shared, configuration) = (shared, configuration)
        let taken: ProxyDatabase?
        do {
            taken = try shared.guests.take(name) {
                let node = main.settings.nodes[main.nodes.primary]
                return ProxyDatabase(
                    .init(name: name, nodes: [try NodeEndpoint(node, database: name)], limits: main.settings.limits),
                    configuration)
            } watch: { database in
                await database.run { shared.post { $0.databases[name]?.takeCatalog() } }
            }
        } catch { return nil }
        guard let taken else { throw GuestRefusal() }
        let made = WorkerDatabase(
            taken, configuration: configuration, number: Int(nextRouterNumber()), worker: self)
        made.isGuest = true
        add(made)
        return made
    }

    /// Those that nobody has used for a while.
    func dismissGuests(_ now: LoopTime) {
        for database in databases.values where database.isGuest {
            guard database.clients == 0 else {
                database.unusedSince = nil
                continue
            }
            let since = database.unusedSince ?? now
            database.unusedSince = since
            guard now - since >= configuration.guestPatience else { continue }
            for pool in database.pools.values { pool.reconnect() }
            guard database.pools.values.allSatisfy({ $0.servers.isEmpty }) else { continue }
            remove(database)
            shared.guests.release(database.name)
        }
    }
}

/// There are as many as there may be.
struct GuestRefusal: Error {}
