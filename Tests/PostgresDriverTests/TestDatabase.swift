import Foundation
import PostgresDriver
import TestSupport
import Testing

/// Settings for the test server's own database; nothing is written there.
func serverSettings() throws -> ConnectionSettings {
    try ConnectionSettings(TestServer.url())
}

/// Runs `body` with a database of its own, which is dropped afterwards whatever connections are left.
func withDatabase<T>(_ body: (ConnectionSettings) async throws -> T) async throws -> T {
    let settings = try serverSettings()
    let name = uniqueName("driver")
    let admin = try await Connection.open(settings)
    try await admin.execute("CREATE DATABASE \(name)")
    let result: Result<T, any Error>
    do {
        result = .success(try await body(settings.settings(["dbname": name])))
    } catch {
        result = .failure(error)
    }
    try await admin.executeShielded("DROP DATABASE \(name) WITH (FORCE)")
    await admin.close()
    return try result.get()
}

/// Runs `body` with a connection to a database of its own.
func withConnection<T>(_ body: (Connection) async throws -> T) async throws -> T {
    try await withDatabase { settings in
        let connection = try await Connection.open(settings)
        let value = try await body(connection)
        await connection.close()
        return value
    }
}

/// Runs `body` with a login role of its own.
func withRole<T>(_ options: String = "LOGIN", _ body: (String, String) async throws -> T) async throws -> T {
    let name = uniqueName("driver_role")
    let password = "pw-\(uniqueName("x"))"
    let admin = try await Connection.open(serverSettings())
    try await admin.execute("CREATE ROLE \(name) \(options) PASSWORD '\(password)'")
    let result: Result<T, any Error>
    do {
        result = .success(try await body(name, password))
    } catch {
        result = .failure(error)
    }
    try await admin.executeShielded("DROP ROLE \(name)")
    await admin.close()
    return try result.get()
}

func uniqueName(_ prefix: String) -> String {
    "\(prefix)_" + UUID().uuidString.lowercased().replacing("-", with: "").prefix(16)
}

/// Waits until the server process `pid` runs a statement that contains `fragment`.
func waitUntilRunning(_ pid: Int32, _ fragment: String, seenFrom observer: Connection) async throws {
    let sql = """
        SELECT 1 FROM pg_stat_activity
        WHERE pid = $1 AND state = 'active' AND position($2 IN query) > 0
        """
    while try await observer.query(sql, [.int(Int(pid)), .text(fragment)]).isEmpty {
        _ = try await observer.query("SELECT pg_sleep(0.01)")
    }
}

/// The error that `body` throws, which must be a `PostgresError`.
func postgresError(_ body: () async throws -> Void) async throws -> PostgresError {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    }
    throw Unexpected(description: "no error was thrown")
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String
}

/// Fails with the text when the value is nil.
func unwrap<T>(_ value: T?, _ what: String) throws -> T {
    guard let value else { throw Unexpected(description: what) }
    return value
}

/// Checks that the connection takes statements.
func expectUsable(_ connection: Connection, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let one = try await connection.query("SELECT 1").only().int(0)
    #expect(one == 1, sourceLocation: sourceLocation)
    let status = await connection.transactionStatus
    #expect(status == .idle || status == .inTransaction, sourceLocation: sourceLocation)
}
