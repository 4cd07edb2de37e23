internal import Foundation
package import Logging
internal import Synchronization

/// A proxy that runs: its listening socket and its loops.
package final class ProxyServer: Sendable {
    /// Where it listens; with port 0 in the configuration, the port that the system chose.
    package let address: SocketAddress
    /// Where metrics are read.
    package let metricsAddress: SocketAddress?
    private let metrics: Metrics?
    let shared: SharedState
    private let ended: DispatchGroup
    private let watchers: Task<Void, Never>
    private let keeper: CrossingKeeper?

    /// Listens once it knows what the databases have in them, or after five seconds: until then everything would go to the
    /// primary.
    /// - Throws: `ProxyError` where the address cannot be listened on.
    package static func start(_ configuration: ProxyConfiguration) async throws(ProxyError) -> ProxyServer {
        let server = try ProxyServer(configuration)
        await server.waitForCatalogs()
        return server
    }

    private func waitForCatalogs() async {
        let end = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < end, !shared.databases.allSatisfy(\.isCatalogKnown) {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    init(_ configuration: ProxyConfiguration) throws(ProxyError) {
        let shared = try SharedState(configuration)
        self.shared = shared
        let group = DispatchGroup()
        ended = group
        var threads: [Thread] = []
        var address = configuration.listen
        do {
            // A file can be bound once: the loops share the socket, and whoever is awake first takes a client.
            let common = try address.isUnix ? UnixListener(address) : nil
            for index in 0..<max(1, configuration.eventLoops) {
                let worker = try Worker(configuration: configuration, shared: shared)
                shared.add(worker)
                let descriptor = try common?.share() ?? address.listen()
                if case .tcp(let host, 0) = address {
                    address = .tcp(host: host, port: SocketAddress.port(of: descriptor))
                }
                worker.listen(on: descriptor, isUnix: address.isUnix)
                let handed = Handed(worker: worker)
                let thread = Thread {
                    handed.worker.run()
                    group.leave()
                }
                thread.name = "strata-loop-\(index)"
                thread.stackSize = 4 << 20
                group.enter()
                threads.append(thread)
            }
        } catch {
            throw ProxyError(
                "the proxy cannot \(error)", next: "choose another address with routing.listen in the layout")
        }
        self.address = address
        metrics = try configuration.metrics.map { address throws(ProxyError) in try Metrics(address, shared) }
        metricsAddress = metrics?.address
        let keeper = CrossingKeeper(shared, address)
        let following = RouteFollowing(shared, address)
        self.keeper = keeper
        watchers = Task(executorPreference: ThreadExecutor.watchers) {
            await withTaskGroup(of: Void.self) { group in
                if let keeper { group.addTask { await keeper.run() } }
                if let following { group.addTask { await following.run() } }
                group.addTask { await ConnectionBudget.check(configuration, ProxyLog(logger: configuration.logger)) }
                if let lookup = shared.lookup { group.addTask { await lookup.run() } }
                for database in shared.databases {
                    let name = database.settings.name
                    database.onSuspended { node in shared.post { $0.databases[name]?.abandon(node: node) } }
                    group.addTask { await database.run { shared.post { $0.databases[name]?.takeCatalog() } } }
                }
            }
        }
        for thread in threads { thread.start() }
        metrics?.start()
    }

    /// Made here, and from then on used on its thread only.
    private struct Handed: @unchecked Sendable { let worker: Worker }

    /// Takes no new clients, and ends when the last one has gone.
    package func drain() { shared.post { $0.drain() } }

    /// Ends at once.
    package func stop() { shared.post { $0.stop() } }

    package func waitUntilEnded() async {
        await withCheckedContinuation { continuation in
            ended.notify(queue: .global()) { continuation.resume() }
        }
        metrics?.stop()
        shared.guests.releaseAll()
        watchers.cancel()
        await watchers.value
        // Whoever waits may have been told to end, and this is to be done all the same.
        if let keeper { await Task { await keeper.finish() }.value }
    }
}
