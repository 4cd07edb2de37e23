import Engine
import Foundation
import PostgresDriver
import Synchronization
import Testing

@testable import TestSupport

/// What happens to one of the two servers.
enum ServerFault: String, CaseIterable, Sendable {
    case sourceKilled, targetKilled, sourceFrozen, targetFrozen

    var isOfTarget: Bool { self == .targetKilled || self == .targetFrozen }
    var isFreeze: Bool { self == .sourceFrozen || self == .targetFrozen }

    /// `STRATA_FAULTS=all`: each fault at each step, which takes a quarter of an hour; else those that tell most.
    static let walksAll = ProcessInfo.processInfo.environment["STRATA_FAULTS"] == "all"
}

/// Two servers with data folders of their own.
final class FaultServers: Sendable {
    let source: ReplicationCluster
    let target: ReplicationCluster
    private let struck = Mutex<ReplicationCluster?>(nil)
    private let isOver = Mutex(false)
    /// Processes of the server that was struck.
    private let stopped = Mutex<[Int32]>([])

    private init(_ source: ReplicationCluster, _ target: ReplicationCluster) {
        (self.source, self.target) = (source, target)
    }

    /// Who is gone is noticed within seconds.
    static let settings = [
        "wal_level": "logical", "max_wal_senders": "20", "max_replication_slots": "20", "max_worker_processes": "20",
        "max_logical_replication_workers": "10", "wal_sender_timeout": "5s", "wal_receiver_timeout": "5s",
    ]

    static func with(_ body: (FaultSite, FaultServers) async throws -> Void) async throws {
        try await ReplicationCluster.with(replicas: 0, settings: settings) { source in
            try await ReplicationCluster.with(replicas: 0, settings: settings, ownIdentity: true) { target in
                try await source.execute(0, FaultSite.pile)
                try await Workshop.withFolder { program in
                    var program = program
                    program.environment["DATABASE_URL"] = source.url(of: 0)
                    program.environment["BOOKS_URL"] = target.url(of: 0)
                    try Data(FaultSite.layout.utf8).write(to: program.folder.appending(path: "strata.yaml"))
                    let site = FaultSite(
                        program: program, source: try source.settings(of: 0), target: try target.settings(of: 0))
                    try await body(site, FaultServers(source, target))
                }
            }
        }
    }

    // MARK: Faults

    /// Done when it returns, so that what calls it goes on with the fault there. Once only.
    func strike(_ fault: ServerFault) {
        let cluster = fault.isOfTarget ? target : source
        guard struck.withLock({ $0 == nil }), let pid = cluster.shell.postmaster(cluster.data(0)) else { return }
        // The postmaster first, so that it starts no child that would be missed.
        kill(pid, SIGSTOP)
        let signal = fault.isFreeze ? SIGSTOP : SIGKILL
        let all = Self.children(of: pid) + [pid]
        for process in all { kill(process, signal) }
        stopped.withLock { $0 = all }
        struck.withLock { $0 = cluster }
    }

    private static func children(of pid: Int32) -> [Int32] {
        let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
        return (text ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    /// Makes the call that is struck, and has the server back.
    ///
    /// - Parameter meanwhile: while the server is away; where the call does not end without it, it need not be over.
    func struck<T: Sendable>(
        _ fault: ServerFault, by call: @Sendable @escaping () async -> T, meanwhile: () async throws -> Void
    ) async throws -> T {
        struck.withLock { $0 = nil }
        isOver.withLock { $0 = false }
        async let outcome = noted(call)
        do {
            try await eventually("the fault happens", within: .seconds(180)) {
                struck.withLock { $0 != nil } || isOver.withLock { $0 }
            }
            if struck.withLock({ $0 == nil }) { Issue.record("the call ended before it came there: \(await outcome)") }
            try await meanwhile()
            // A killed server is started once nobody works with what it has left.
            if !fault.isFreeze {
                try await eventually("the call without a server ends", within: .seconds(180)) {
                    isOver.withLock { $0 }
                }
            }
        } catch {
            try? await recover(fault)
            _ = await outcome
            throw error
        }
        try await recover(fault)
        return await outcome
    }

    private func noted<T: Sendable>(_ call: @Sendable () async -> T) async -> T {
        let value = await call()
        isOver.withLock { $0 = true }
        return value
    }

    private func recover(_ fault: ServerFault) async throws {
        let cluster = fault.isOfTarget ? target : source
        guard !fault.isFreeze else { return await cluster.thaw(0) }
        // A busy machine takes its time to end them; whoever looks meanwhile finds a server that runs.
        let processes = stopped.withLock { $0 }
        try await eventually("the killed server has ended") { !processes.contains { cluster.shell.isRunning($0) } }
        try await cluster.startAgain(0)
    }

    /// Whatever state they are in.
    func thaw() async {
        for cluster in [source, target] { await cluster.thaw(0) }
    }
}
