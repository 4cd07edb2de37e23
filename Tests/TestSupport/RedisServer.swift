internal import Foundation
internal import Synchronization

/// A Redis of a test's own: Debian's redis-server on a free port of 127.0.0.1, with a folder and a password of its own.
package final class RedisServer: Sendable {
    package let port: Int
    package let password = "redis-\(UInt64.random(in: 0...UInt64.max))"
    private let folder: String
    private let options: [String]
    private let process = Mutex<Process?>(nil)

    /// As `strata` takes it.
    package var url: String { "redis://:\(password)@127.0.0.1:\(port)" }

    /// - Parameter options: as redis-server takes them, such as `--appendonly yes`.
    package init(_ options: [String] = []) async throws {
        port = try FakeServer.freePort()
        folder = "/tmp/strata-redis-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        self.options = options
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        try await start()
    }

    /// Starts it, and waits until it answers.
    package func start() async throws {
        let log = "\(folder)/log"
        try? FileManager.default.removeItem(atPath: log)
        let new = Process()
        new.executableURL = URL(filePath: "/usr/bin/env")
        new.arguments =
            [
                "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--logfile", log,
                "--requirepass", password, "--save", "",
            ] + options
        new.standardInput = FileHandle.nullDevice
        new.standardOutput = FileHandle.nullDevice
        new.standardError = FileHandle.nullDevice
        try new.run()
        process.withLock { $0 = new }
        try await eventually("redis-server is ready") {
            try String(contentsOfFile: log, encoding: .utf8).contains("Ready to accept connections")
        }
    }

    /// Ends it with SIGKILL: what is not on disk is lost.
    package func kill() { end(SIGKILL) }

    /// Stands still, and keeps its connections; `thaw` lets it go on.
    package func freeze() { signal(SIGSTOP) }
    package func thaw() { signal(SIGCONT) }

    package func remove() {
        end(SIGKILL)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func signal(_ number: Int32) {
        process.withLock { if let process = $0 { _ = Foundation.kill(process.processIdentifier, number) } }
    }

    private func end(_ number: Int32) {
        let running = process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let running else { return }
        _ = Foundation.kill(running.processIdentifier, number)
        running.waitUntilExit()
    }
}
