import Foundation

/// A data folder that was made and never started; each node begins as a copy of it. `initdb` takes most of a second.
struct ClusterTemplate: Sendable {
    let shell: ClusterShell
    let password: String
    private let folder: String

    var data: String { "\(folder)/data" }

    /// One for all clusters of this process.
    static func shared() async throws -> ClusterTemplate { try await common.value }

    private static let common = Task { try await make() }

    /// One with a system identifier of its own.
    static func make() async throws -> ClusterTemplate {
        let shell = try await ClusterShell.find()
        let folder = ClusterShell.newFolder()
        let password = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let template = ClusterTemplate(shell: shell, password: password, folder: folder)
        try await shell.makeFolder(folder)
        try shell.watch(folder)
        try await shell.append(password + "\n", to: "\(folder)/password")
        // Segments of 1 MB: little to copy, and their borders come by often.
        try await shell.run([
            "\(shell.programs)/initdb", "-D", template.data, "-U", "strata_test", "--pwfile=\(folder)/password",
            "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "-N", "--wal-segsize=1",
        ])
        return template
    }

    func remove() async { await shell.remove(folder) }
}
