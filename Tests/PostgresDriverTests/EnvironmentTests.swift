import Foundation
import PostgresDriver
import TestSupport
import Testing

/// Each runs in a process of its own, because it sets environment variables.
@Suite struct EnvironmentTests {
    @Test func variablesAndPassfile() async throws {
        await #expect(processExitsWith: .success) {
            let parts = try Parts()
            parts.export()
            let file = try scratchFile("\(parts.host):\(parts.port):*:\(parts.user):\(parts.password)\n")
            setenv("PGPASSFILE", file, 1)
            let settings = try ConnectionSettings()
            #expect(settings.host == parts.host)
            #expect(settings.port == Int(parts.port))
            #expect(settings.user == parts.user)
            #expect(settings.applicationName == "from_env")
            #expect(settings.connectTimeout == 7)
            let connection = try await Connection.open(settings)
            try FileManager.default.removeItem(atPath: file)
            let row = try await connection.query("SELECT current_user::text AS u, current_setting('application_name')")
            #expect(try row.only().string("u") == parts.user)
            #expect(try row.only().string(1) == "from_env")
            await connection.close()
        }
    }

    @Test func passwordVariable() async throws {
        await #expect(processExitsWith: .success) {
            let parts = try Parts()
            parts.export()
            setenv("PGPASSFILE", "/nonexistent", 1)
            setenv("PGPASSWORD", parts.password, 1)
            let settings = try ConnectionSettings()
            #expect(!"\(settings)".contains(parts.password))
            let connection = try await Connection.open(settings)
            #expect(await connection.isAlive)
            await connection.close()
        }
    }

    @Test func serviceFile() async throws {
        await #expect(processExitsWith: .success) {
            let parts = try Parts()
            let service = """
                [strata_test]
                host=\(parts.host)
                port=\(parts.port)
                user=\(parts.user)
                password=\(parts.password)
                dbname=postgres
                connect_timeout=9

                """
            let file = try scratchFile(service)
            setenv("PGSERVICEFILE", file, 1)
            let settings = try ConnectionSettings("service=strata_test")
            #expect(settings.host == parts.host)
            #expect(settings.port == Int(parts.port))
            #expect(settings.database == "postgres")
            #expect(settings.connectTimeout == 9)
            let connection = try await Connection.open(settings)
            #expect(try await connection.query("SELECT 1 AS n").only().int("n") == 1)
            await connection.close()
            setenv("PGSERVICE", "strata_test", 1)
            #expect(try ConnectionSettings().user == parts.user)
            try FileManager.default.removeItem(atPath: file)
        }
    }

    @Test func stringWinsOverVariables() async throws {
        await #expect(processExitsWith: .success) {
            setenv("PGHOST", "elsewhere", 1)
            setenv("PGPORT", "1", 1)
            setenv("PGCLIENTENCODING", "LATIN1", 1)
            let connection = try await Connection.open(serverSettings())
            #expect(try await connection.query("SELECT 'ä€' AS t").only().string("t") == "ä€")
            #expect(await connection.parameterStatus("client_encoding") == "UTF8")
            await connection.close()
        }
    }
}

/// The test server's URL, taken apart.
private struct Parts {
    let host: String
    let port: String
    let user: String
    let password: String

    init() throws {
        let url = try TestServer.url()
        let components = try unwrap(URLComponents(string: url), "TestServer.url() is not a URL")
        let query = Dictionary(
            (components.queryItems ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        let settings = try ConnectionSettings(url)
        host = settings.host
        port = String(settings.port)
        user = settings.user
        password = components.password ?? query["password"] ?? ""
    }

    func export() {
        setenv("PGHOST", host, 1)
        setenv("PGPORT", port, 1)
        setenv("PGUSER", user, 1)
        setenv("PGDATABASE", "postgres", 1)
        setenv("PGAPPNAME", "from_env", 1)
        setenv("PGCONNECT_TIMEOUT", "7", 1)
        unsetenv("PGPASSWORD")
    }
}

/// A file that only this user can read, as libpq demands of a password file.
private func scratchFile(_ text: String) throws -> String {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(uniqueName("driver"))
    try text.write(to: url, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
    return url.path
}
