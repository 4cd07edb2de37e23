internal import Engine
internal import Foundation
internal import PostgresDriver
internal import Synchronization

/// Follows the main database's record of where schemas live, with a session of its own that stands for this proxy: as long
/// as it is there, a switch waits for what this proxy says.
final class RouteFollowing: Sendable {
    private let shared: SharedState
    private let nodes: DatabaseNodes
    private let log: ProxyLog
    private let id: String
    private let name: String
    private let known = Mutex(KnownRoutes())
    /// Lets go on who waits when the time of a switch is over, whatever has become of the main database.
    private let expiry = Mutex<Task<Void, Never>?>(nil)
    /// Said once, until it works again.
    private let complaint = Mutex<String?>(nil)

    /// Between two looks, if nothing is announced.
    private static let interval = Duration.seconds(1)
    /// While something runs that a switch waits for.
    private static let closeInterval = Duration.milliseconds(5)
    /// Between two signs of life.
    private static let beat = Duration.seconds(5)
    private static let timeout = Duration.seconds(5)

    private static let options = """
        -c statement_timeout=4s -c lock_timeout=2s -c default_transaction_read_only=off \
        -c search_path=pg_catalog,pg_temp -c idle_in_transaction_session_timeout=10s
        """

    /// nil: there is one database only.
    init?(_ shared: SharedState, _ address: SocketAddress) {
        guard let main = shared.databases.first, shared.databases.count > 1 else { return nil }
        self.shared = shared
        nodes = main.nodes
        log = ProxyLog(logger: shared.configuration.logger)
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        id = String(repeating: "0", count: 16 - digits.count) + digits
        name = "\(ProcessInfo.processInfo.hostName) \(address)"
    }

    /// Until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            var connection: Connection?
            do {
                let open = try await connect()
                connection = open
                try await follow(open)
            } catch {
                if let connection { Task { await connection.close() } }
                if !Task.isCancelled { noteFailure((error as? PostgresError)?.message ?? "\(error)") }
                let isHolding = known.withLock { !$0.held.isEmpty }
                try? await Task.sleep(for: isHolding ? .milliseconds(100) : Self.interval)
                continue
            }
            await connection?.close()
        }
    }

    private func connect() async throws -> Connection {
        let settings = try nodes.connectionSettings(of: nodes.primary).settings([
            "application_name": "\(RouteStore.sessionName) \(id)", "connect_timeout": "5", "options": Self.options,
        ])
        return try await withTimeLimit(Self.timeout) {
            let connection = try await Connection.open(settings)
            try await connection.execute("LISTEN \(RouteStore.channel)")
            return connection
        }
    }

    /// Until the connection is lost or the task cancelled.
    private func follow(_ connection: Connection) async throws {
        let store = RouteStore(connection)
        var reported: RouteFollower?
        var reportedAt = ContinuousClock.now
        var mayTidy = true
        var (asked, read) = (0, 0)
        while !Task.isCancelled {
            let isThere = try await withTimeLimit(Self.timeout) { try await store.exists() }
            let routes = isThere ? try await withTimeLimit(Self.timeout) { try await store.routes() } : []
            let busy = await take(KnownRoutes(routes))
            let hold = routes.compactMap(\.hold).min { $0.left < $1.left }
            endHolds(after: hold?.left)
            let wanted = routes.map(\.definitions).max() ?? 0
            if wanted > asked {
                for database in shared.databases { database.catalogChanged() }
                asked = wanted
            }
            if read < asked, !shared.databases.contains(where: \.isCatalogStale) { read = asked }
            let now = RouteFollower(
                id: id, kind: "proxy", name: name, epoch: routes.map(\.epoch).max() ?? 0, hold: hold?.number,
                busy: busy, problem: problem(routes), definitions: read)
            if isThere, now != reported || ContinuousClock.now - reportedAt > Self.beat {
                if try await report(now, store) {
                    (reported, reportedAt) = (now, .now)
                    if mayTidy { try await withTimeLimit(Self.timeout) { try await store.tidy() } }
                    mayTidy = false
                }
            }
            var pause = Self.interval
            if read < asked { pause = .milliseconds(20) }
            if let hold { pause = min(hold.left, busy > 0 ? Self.closeInterval : .milliseconds(100)) }
            _ = try await connection.waitForNotification(timeout: max(pause, .milliseconds(1)))
            noteSuccess()
        }
    }

    private func report(_ follower: RouteFollower, _ store: RouteStore) async throws -> Bool {
        do {
            try await withTimeLimit(Self.timeout) { try await store.report(follower) }
            return true
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            complain("it may not write strata.followers: \(error.message)")
            return false
        }
    }

    // MARK: What it means here

    /// - Returns: clients that a switch waits for, once all loops route by what is known now.
    private func take(_ routes: KnownRoutes) async -> Int {
        let before = known.withLock { known in
            defer { known = routes }
            return known
        }
        let isNewPlace = before.databases != routes.databases
        if isNewPlace {
            // Whoever has written there, and however it came there: no replica answers that does not have it all.
            for (schema, database) in routes.databases where before.databases[schema] != database {
                shared.databases.first { $0.settings.name == database }?.nodes.freshness.noteArrival()
            }
            shared.routes.withLock { $0 = routes }
        }
        guard isNewPlace || !routes.held.isEmpty || !before.held.isEmpty else { return 0 }
        let shared = shared
        return await withCheckedContinuation { (continuation: CheckedContinuation<Int, Never>) in
            shared.gather {
                $0.follow(routes, isNewPlace: isNewPlace)
            } done: { parts in
                continuation.resume(returning: parts.reduce(0, +))
            }
        }
    }

    /// What is held back goes on then, to where it would have gone, should nothing be heard of the main database. If the
    /// switch has been made meanwhile, the guard at the old place refuses what writes.
    private func endHolds(after time: Duration?) {
        expiry.withLock { task in
            task?.cancel()
            task = nil
            guard let time else { return }
            task = Task {
                do { try await Task.sleep(for: time) } catch { return }
                var routes = known.withLock { $0 }
                guard !routes.held.isEmpty else { return }
                routes.held = []
                _ = await take(routes)
            }
        }
    }

    /// Why this proxy could not lead statements to where a schema is to go.
    private func problem(_ routes: [SchemaRoute]) -> String? {
        let schemas = shared.configuration.schemas
        for route in routes {
            guard let destination = route.destination else { continue }
            guard schemas[route.schema] != nil else { return "its layout does not list schema \(route.schema)" }
            guard let main = shared.databases.first,
                let database = shared.databases.first(where: { $0.settings.name == destination })
            else { return "its layout has no database \(destination)" }
            if let trouble = database.trouble { return "it cannot read database \(destination): \(trouble)" }
            guard database.catalog.isFilled(route.schema) else {
                return "it has not read schema \(route.schema) of database \(destination) yet"
            }
            if main.settings.limits.isSession || database.settings.limits.isSession {
                return "pool.mode is session: clients keep their server, and could not follow the schema"
            }
        }
        return nil
    }

    // MARK: Log

    private func noteFailure(_ text: String) { complain("the main database's routes cannot be followed: \(text)") }

    private func complain(_ text: String) {
        let isNew = complaint.withLock { last in
            defer { last = text }
            return last != text
        }
        if isNew { log.routesNotFollowed(text) }
    }

    private func noteSuccess() { complaint.withLock { if $0?.hasPrefix("the main") == true { $0 = nil } } }
}
