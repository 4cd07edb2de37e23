import Foundation
import PostgresDriver

/// What can happen to a node.
extension ReplicationCluster {
    /// As a crash: without a shutdown, connections break. ``start(_:)`` starts it again.
    package func stop(_ node: Int) async throws {
        guard let pid = shell.postmaster(data(node)) else { return }
        await signalAll(node, SIGCONT)
        shell.kill(pid, SIGQUIT)
        try await eventually("node \(node) has stopped") { !shell.isRunning(pid) }
    }

    /// Stops all its processes where they are: connections stay open, and nobody answers.
    package func freeze(_ node: Int) async throws {
        guard let pid = shell.postmaster(data(node)) else { return }
        // The postmaster first, so that it starts no child that would be missed.
        shell.kill(pid, SIGSTOP)
        for child in try await shell.children(of: pid) { shell.kill(child, SIGSTOP) }
    }

    package func thaw(_ node: Int) async { await signalAll(node, SIGCONT) }

    func signalAll(_ node: Int, _ signal: Int32) async {
        guard let pid = shell.postmaster(data(node)) else { return }
        for child in (try? await shell.children(of: pid)) ?? [] { shell.kill(child, signal) }
        shell.kill(pid, signal)
    }

    /// Cuts a replica off its primary: it goes on answering, and hears of nothing new.
    package func disconnect(_ replica: Int) async throws {
        // Nobody listens on port 1.
        try await setPrimary(replica, port: 1)
        try await eventually("replica \(replica) is disconnected") {
            try await query(replica, "SELECT FROM pg_stat_wal_receiver").isEmpty
        }
    }

    package func reconnect(_ replica: Int) async throws { try await follow(0, on: replica) }

    /// Has a replica stream from another node.
    package func follow(_ primary: Int, on replica: Int) async throws {
        try await setPrimary(replica, port: port(of: primary))
    }

    private func setPrimary(_ replica: Int, port: Int) async throws {
        try await execute(replica, "ALTER SYSTEM SET primary_conninfo = '\(conninfo(port: port))'")
        try await execute(replica, "SELECT pg_reload_conf()")
    }

    package func pauseReplay(_ replica: Int) async throws {
        try await execute(replica, "SELECT pg_wal_replay_pause()")
        // Replay that waits for more of the log is paused when the next record comes.
        try await eventually("replay on \(replica) is paused") {
            try await query(replica, "SELECT pg_is_wal_replay_paused() AS paused").only().bool("paused")
        }
    }

    package func resumeReplay(_ replica: Int) async throws {
        try await execute(replica, "SELECT pg_wal_replay_resume()")
    }

    /// Makes a replica a primary.
    package func promote(_ replica: Int) async throws {
        let done = try await query(replica, "SELECT pg_promote(true, 60) AS done").only().bool("done")
        guard done else { throw NotInTime(what: "replica \(replica) is promoted", limit: .seconds(60)) }
    }

    /// Waits until a replica has replayed all that the primary has written until now.
    package func catchUp(_ replica: Int) async throws {
        let position = try await query(0, "SELECT pg_current_wal_flush_lsn()::text AS p").only().string("p")
        try await eventually("replica \(replica) has replayed \(position)") {
            let question = "SELECT pg_last_wal_replay_lsn() >= '\(position)'::pg_lsn AS done"
            return try await query(replica, question).only().bool("done")
        }
    }
}
