package import Foundation
package import PostgresDriver

/// The server that tests talk to: the one that `STRATA_TEST_URL` names (a superuser's, with its password, over TCP), else
/// a private one that `scripts/test-server` starts at first use; a second run takes it over, `scripts/test` removes it.
package enum TestServer {
    /// A superuser's connection string.
    package static func url() throws -> String { try found.get() }

    private static let found = Result<String, any Error> {
        if let url = ProcessInfo.processInfo.environment["STRATA_TEST_URL"], !url.isEmpty { return url }
        let process = Process()
        let output = Pipe()
        process.executableURL = repository.appending(path: "scripts/test-server")
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        struct NoServer: Error { var status: Int32 }
        guard process.terminationStatus == 0 else { throw NoServer(status: process.terminationStatus) }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The checkout that the tests were built from.
    package static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

/// A database of a test's own on the shared server, dropped when the body ends.
package func withTestDatabase<T>(_ label: String = "t", _ body: (TestDatabase) async throws -> T) async throws -> T {
    let admin = try ConnectionSettings(try TestServer.url())
    let name = "strata_\(label)_\(UInt64.random(in: 0...UInt64.max))"
    let connection = try await Connection.open(admin)
    try await connection.execute("CREATE DATABASE \(name)")
    let database = TestDatabase(name: name, settings: try admin.settings(["dbname": name]))
    func drop() async {
        _ = try? await connection.executeShielded("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        await connection.close()
    }
    do {
        let value = try await body(database)
        await drop()
        return value
    } catch {
        await drop()
        throw error
    }
}

package struct TestDatabase: Sendable {
    package let name: String
    package let settings: ConnectionSettings

    package func connect(_ overrides: [String: String] = [:]) async throws -> Connection {
        try await Connection.open(try settings.settings(overrides))
    }

    /// Runs SQL on a connection of its own.
    package func execute(_ sql: String) async throws {
        let connection = try await connect()
        try await connection.execute(sql)
        await connection.close()
    }
}
