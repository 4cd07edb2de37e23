internal import Foundation
internal import Synchronization

/// What the loops share.
final class SharedState: Sendable {
    let databases: [ProxyDatabase]
    let clientCount = Atomic<Int>(0)
    /// Linux numbers processes below 2^22 (PID_MAX_LIMIT), other systems below that: clients' numbers are never one of a
    /// server's process.
    static let firstClientID: Int32 = 1 << 22
    private let clientID = Atomic<Int32>(firstClientID + Int32.random(in: 1...1_000_000))
    let reloader = Reloader()
    private let current: Mutex<ProxyConfiguration>
    let logins = PendingLogins()
    let guests = GuestDatabases()
    let crossings = CrossingCounts()
    /// Of the main database's record.
    let routes = Mutex(KnownRoutes())
    let isDraining = Atomic<Bool>(false)
    private let serverID = Atomic<Int>(0)
    private let workers = Mutex<[ObjectIdentifier: Door]>([:])
    let mockSecret: [UInt8] = (0..<32).map { _ in UInt8.random(in: 0...255) }

    /// Of users that the users file does not have; nil without a database.
    let lookup: UserLookup?
    private let currentTLS: Mutex<TLSContext?>

    /// For new connections.
    var tls: TLSContext? { currentTLS.withLock { $0 } }

    /// As it is since the last reload.
    var configuration: ProxyConfiguration { current.withLock { $0 } }

    /// Those who are connected keep their certificate.
    func change(_ new: ProxyConfiguration, _ tls: TLSContext?) {
        current.withLock { $0 = new }
        currentTLS.withLock { $0 = tls }
    }

    static func context(_ files: ProxyConfiguration.TLS?) throws(ProxyError) -> TLSContext? {
        guard let files else { return nil }
        return try TLSContext.server(certificate: files.certificate, key: files.key, authorities: files.authorities)
    }

    init(_ configuration: ProxyConfiguration) throws(ProxyError) {
        current = Mutex(configuration)
        currentTLS = Mutex(try Self.context(configuration.tls))
        databases = configuration.databases.map { ProxyDatabase($0, configuration) }
        let log = ProxyLog(logger: configuration.logger)
        lookup = databases.first.map { UserLookup(query: configuration.authQuery, nodes: $0.nodes, log: log) }
    }

    /// A worker is used on its loop's thread only; the door leads there.
    struct Door: @unchecked Sendable {
        fileprivate let door: EventLoopDoor
        fileprivate unowned let worker: Worker

        /// Runs on the worker's thread, later; not at all where its loop has ended.
        func post(_ work: @escaping @Sendable (Worker) -> Void) {
            let worker = self
            door.post { _ in work(worker.worker) }
        }
    }

    func door(of worker: Worker) -> Door { Door(door: worker.loop.door, worker: worker) }

    func add(_ worker: Worker) {
        workers.withLock { $0[ObjectIdentifier(worker)] = door(of: worker) }
    }

    /// Runs on the threads of all loops, later.
    func post(_ work: @escaping @Sendable (Worker) -> Void) {
        let doors = workers.withLock { Array($0.values) }
        for door in doors { door.post(work) }
    }

    /// Asks all loops. A loop that has ended has nothing to say.
    /// - Parameter done: called when the last has answered, on its thread.
    func gather<Part: Sendable>(
        _ make: @escaping @Sendable (Worker) -> Part, done: @escaping @Sendable ([Part]) -> Void
    ) {
        let all = Gathering(done: done)
        post { all.add(make($0)) }
    }

    /// Whoever lets go of it last has seen all parts: also where a loop ends with its work not done.
    private final class Gathering<Part: Sendable>: Sendable {
        private let parts = Mutex<[Part]>([])
        private let done: @Sendable ([Part]) -> Void

        init(done: @escaping @Sendable ([Part]) -> Void) { self.done = done }

        func add(_ part: Part) { parts.withLock { $0.append(part) } }

        deinit { done(parts.withLock { $0 }) }
    }

    /// Positive, as process numbers are.
    func nextClientID() -> Int32 {
        let next = clientID.wrappingAdd(1, ordering: .relaxed).newValue
        if next >= Self.firstClientID { return next }
        clientID.store(Self.firstClientID, ordering: .relaxed)
        return Self.firstClientID
    }

    func nextServerID() -> Int { serverID.wrappingAdd(1, ordering: .relaxed).newValue }
}
