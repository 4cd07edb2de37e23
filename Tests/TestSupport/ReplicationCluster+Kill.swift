import Foundation

extension ReplicationCluster {
    /// Ends all processes of a node at once with SIGKILL: nothing is told to anybody. ``startAgain(_:)`` starts it.
    package func kill(_ node: Int) async throws {
        guard let pid = shell.postmaster(data(node)) else { return }
        // The postmaster first, so that it starts no child that would be missed.
        shell.kill(pid, SIGSTOP)
        let children = try await shell.children(of: pid)
        for process in [pid] + children { shell.kill(process, SIGKILL) }
        try await eventually("node \(node) is dead") { !([pid] + children).contains { shell.isRunning($0) } }
    }

    /// Starts a node that was killed: once nobody holds its shared memory any more.
    package func startAgain(_ node: Int) async throws {
        try await eventually("node \(node) starts again") {
            if shell.postmaster(data(node)) == nil { try await start(node) }
            return true
        }
    }
}
