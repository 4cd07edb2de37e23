internal import Engine
internal import Foundation
internal import Planning
internal import PostgresDriver
internal import Synchronization

/// Writes the proxy's counts of crossings down in the main database, from time to time and at the end, with a connection of
/// its own. Where that cannot be done, the counts stay where they are until it can.
final class CrossingKeeper: Sendable {
    private let shared: SharedState
    private let nodes: DatabaseNodes
    private let interval: Duration
    private let log: ProxyLog
    private let address: String
    private let hasFailed = Mutex(false)
    /// This proxy among those that write to the same rows; another one where it observes other schemas.
    private let observer = Mutex(Observer())
    private let servers = Mutex<[Int32]>([])

    private struct Observer {
        var id = Observer.makeID()
        var schemas: [String] = []
        var since = 0

        static func makeID() -> String {
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }

    /// For connecting, and for each statement.
    private static let timeout = Duration.seconds(5)
    /// While it cannot be written down, it is tried this much less often.
    private static let patience = 6
    /// Rows that are too many, or too old, are looked for each time so many batches have been written.
    private static let tidyInterval = 30

    private static let options = """
        -c statement_timeout=4s -c lock_timeout=2s -c default_transaction_read_only=off \
        -c search_path=pg_catalog,pg_temp -c idle_in_transaction_session_timeout=10s
        """

    /// nil: there is nothing to split.
    init?(_ shared: SharedState, _ address: SocketAddress) {
        guard let main = shared.databases.first, shared.databases.count > 1 else { return nil }
        let configuration = shared.configuration
        guard configuration.schemas.values.contains(where: { $0 != main.settings.name }) else { return nil }
        self.shared = shared
        nodes = main.nodes
        interval = configuration.crossingInterval
        log = ProxyLog(logger: configuration.logger)
        self.address = "\(address)"
    }

    /// Until the task is cancelled.
    func run() async {
        var connection: Connection?
        var hasBegun = false
        while !Task.isCancelled {
            var pause = hasFailed.withLock { $0 } ? interval * Self.patience : interval
            // That somebody looks is known soon.
            if !hasBegun { pause = min(interval, .seconds(1)) }
            do { try await Task.sleep(for: pause) } catch { break }
            guard shared.crossings.isObserving else { continue }
            hasBegun = true
            let processes = await collect()
            servers.withLock { $0 = processes }
            connection = await write(connection)
        }
        await connection?.close()
    }

    /// The loops have ended and handed over all they had. Nobody waits for long here.
    func finish() async {
        guard shared.crossings.isObserving else { return }
        // What was under way when the task was cancelled goes first, under its own number.
        var connection: Connection?
        for _ in 0..<2 {
            connection = await write(connection)
            guard connection != nil else { return }
        }
        await connection?.close()
    }

    /// - Returns: processes of the main database that work for this proxy.
    private func collect() async -> [Int32] {
        let shared = shared
        let main = shared.databases.first?.settings.name
        return await withCheckedContinuation { (continuation: CheckedContinuation<[Int32], Never>) in
            shared.gather { worker -> [Int32] in
                worker.handOverCrossings()
                return main.flatMap { worker.databases[$0]?.primaryProcesses } ?? []
            } done: { parts in
                continuation.resume(returning: parts.flatMap { $0 })
            }
        }
    }

    /// - Returns: the connection, for the next time; nil where it failed.
    private func write(_ open: Connection?) async -> Connection? {
        let batch = shared.crossings.begin()
        var connection = open
        do {
            let ready: Connection
            if let open { ready = open } else { ready = try await connect() }
            connection = ready
            let observer = observer(of: batch)
            let processes = servers.withLock { $0 }
            let tidies = batch.number % Self.tidyInterval == 1
            try await inTime {
                let store = CrossingStore(ready)
                try await store.add(batch.crossings, by: observer, servers: processes, batch: batch.number)
                if tidies { try await store.tidy() }
            }
            shared.crossings.end(batch)
            if hasFailed.withLock({ failed in
                defer { failed = false }
                return failed
            }) {
                log.crossingsKept()
            }
            return ready
        } catch {
            if let connection { Task { await connection.close() } }
            // Text that this database's encoding does not have, say: it would keep all others out.
            if let state = (error as? PostgresError)?.sqlState, "\(state)".hasPrefix("22") {
                shared.crossings.end(batch, isLost: true)
            }
            if !Task.isCancelled { noteFailure(error) }
            return nil
        }
    }

    private func observer(of batch: CrossingCounts.Batch) -> CrossingRecord.Observer {
        observer.withLock { known in
            if known.since == 0 || known.schemas != batch.schemas {
                known = Observer(schemas: batch.schemas, since: Int(Date().timeIntervalSince1970))
            }
            return CrossingRecord.Observer(
                id: known.id, name: "\(ProcessInfo.processInfo.hostName) \(address)", schemas: known.schemas,
                since: known.since, last: 0, dropped: batch.dropped)
        }
    }

    private func connect() async throws -> Connection {
        let target = try nodes.connectionSettings(of: nodes.primary).settings([
            "application_name": "strata proxy crossings", "connect_timeout": "5", "options": Self.options,
        ])
        let bounded = Bounded()
        let alarm = Self.alarm(bounded)
        defer { alarm.cancel() }
        let connection = try await bounded.run(Self.timeout) {
            try await Connection.open(target)
        } ifLate: {
            await $0.close()
        }
        do {
            try await inTime { try await CrossingStore(connection).prepare() }
            return connection
        } catch {
            Task { await connection.close() }
            throw error
        }
    }

    private func inTime(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let bounded = Bounded()
        let alarm = Self.alarm(bounded)
        defer { alarm.cancel() }
        try await bounded.run(Self.timeout, work)
    }

    private static func alarm(_ bounded: Bounded) -> Task<Void, any Error> {
        Task {
            try await Task.sleep(for: timeout + .milliseconds(10))
            bounded.check(at: MonotonicTime.now)
        }
    }

    /// Said once, until it works again.
    private func noteFailure(_ error: any Error) {
        let isNew = hasFailed.withLock { failed in
            defer { failed = true }
            return !failed
        }
        if isNew { log.crossingsNotKept((error as? PostgresError)?.message ?? "\(error)") }
    }
}
