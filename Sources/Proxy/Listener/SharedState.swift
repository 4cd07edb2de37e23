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
    private let serverID = Atomic<Int>(0)
    private let workers = Mutex<[ObjectIdentifier: Door]>([:])
    let mockSecret: [UInt8] = (0..<32).map { _ in UInt8.random(in: 0...255) }

    private let currentTLS: Mutex<TLSContext?>

    /// For new connections.
    var tls: TLSContext? { currentTLS.withLock { $0 } }

    /// Reads the certificate and key again; those who are connected keep theirs.
    func loadTLS(_ files: ProxyConfiguration.TLS?) throws(ProxyError) {
        let context = try Self.context(files)
        currentTLS.withLock { $0 = context }
    }

    private static func context(_ files: ProxyConfiguration.TLS?) throws(ProxyError) -> TLSContext? {
        guard let files else { return nil }
        return try TLSContext.server(certificate: files.certificate, key: files.key, authorities: files.authorities)
    }

    init(_ configuration: ProxyConfiguration) throws(ProxyError) {
        currentTLS = Mutex(try Self.context(configuration.tls))
        databases = configuration.databases.map { ProxyDatabase($0, configuration) }
    }

    /// A worker is used on its loop's thread only; the door leads there.
    private struct Door: @unchecked Sendable {
        let door: EventLoopDoor
        unowned let worker: Worker
    }

    func add(_ worker: Worker) {
        workers.withLock { $0[ObjectIdentifier(worker)] = Door(door: worker.loop.door, worker: worker) }
    }

    /// Runs on the threads of all loops, later.
    func post(_ work: @escaping @Sendable (Worker) -> Void) {
        let doors = workers.withLock { Array($0.values) }
        for door in doors {
            door.door.post { _ in work(door.worker) }
        }
    }

    var workerCount: Int { workers.withLock { $0.count } }

    /// Positive, as process numbers are.
    func nextClientID() -> Int32 {
        let next = clientID.wrappingAdd(1, ordering: .relaxed).newValue
        if next >= Self.firstClientID { return next }
        clientID.store(Self.firstClientID, ordering: .relaxed)
        return Self.firstClientID
    }

    func nextServerID() -> Int { serverID.wrappingAdd(1, ordering: .relaxed).newValue }
}
