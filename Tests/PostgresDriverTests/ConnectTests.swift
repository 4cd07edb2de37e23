import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite struct ConnectTests {
    @Test func tellsAboutTheServer() async throws {
        let connection = try await Connection.open(serverSettings())
        #expect(connection.serverVersion >= 130_000)
        let pid = try await connection.query("SELECT pg_backend_pid() AS pid").only().int("pid")
        #expect(Int(connection.backendPID) == pid)
        #expect(await connection.parameterStatus("client_encoding") == "UTF8")
        #expect(await connection.parameterStatus("no_such_parameter") == nil)
        #expect(await connection.transactionStatus == .idle)
        #expect(await connection.isAlive)
        let name = try await connection.query("SELECT current_setting('application_name')").only().string(0)
        #expect(name == "strata")
        await connection.close()
        #expect(await !connection.isAlive)
        #expect(await connection.transactionStatus == .unknown)
        let error = try await postgresError { try await connection.execute("SELECT 1") }
        #expect(error.kind == .connection(.closed))
    }

    @Test func passesOptions() async throws {
        let settings = try serverSettings().settings(["options": "-c statement_timeout=4321"])
        let connection = try await Connection.open(settings)
        #expect(try await connection.query("SHOW statement_timeout").only().string(0) == "4321ms")
        await connection.close()
    }

    @Test func refusedPort() async throws {
        let error = try await openError(["host": "127.0.0.1", "port": String(FakeServer.freePort())])
        #expect(error.kind == .connection(.refused))
        #expect(error.hint != nil)
    }

    @Test func missingSocket() async throws {
        #expect(try await openError(["host": "/nonexistent"]).kind == .connection(.refused))
    }

    @Test func unknownHost() async throws {
        #expect(try await openError(["host": "no-such-host.invalid"]).kind == .connection(.unreachable))
    }

    @Test func wrongPassword() async throws {
        try await withRole { role, _ in
            let error = try await openError(["user": role, "password": "wr0ng-word", "dbname": "postgres"])
            #expect(error.kind == .connection(.wrongPassword))
            #expect(error.sqlState == .invalidPassword)
            #expect(error.severity == "FATAL")
            #expect(!"\(error)".contains("wr0ng-word"))
            #expect(!error.message.contains("28P01"))
            #expect(!"\(error)".contains("LOCATION"))
            #expect(error.isConnectionLost)
        }
    }

    @Test func missingPassword() async throws {
        try await withRole { role, _ in
            let error = try await openError(["user": role, "password": "", "passfile": "/nonexistent"])
            #expect(error.kind == .connection(.passwordMissing))
        }
    }

    @Test func missingDatabase() async throws {
        let error = try await openError(["dbname": "no_such_database"])
        #expect(error.kind == .connection(.databaseMissing))
        #expect(error.sqlState == .invalidDatabase)
    }

    @Test func tooManyConnections() async throws {
        try await withRole("LOGIN CONNECTION LIMIT 1") { role, password in
            let keys = ["user": role, "password": password, "dbname": "postgres"]
            let first = try await Connection.open(serverSettings().settings(keys))
            let error = try await openError(keys)
            #expect(error.kind == .connection(.tooManyConnections))
            #expect(!"\(error)".contains(password))
            await first.close()
        }
    }

    @Test func noRightToConnect() async throws {
        try await withDatabase { settings in
            try await withRole { role, password in
                let owner = try await Connection.open(settings)
                try await owner.execute("REVOKE CONNECT ON DATABASE \(settings.database) FROM PUBLIC")
                await owner.close()
                let error = try await openError(["user": role, "password": password, "dbname": settings.database])
                #expect(error.kind == .connection(.permissionDenied))
            }
        }
    }

    @Test func roleThatMayNotLogIn() async throws {
        try await withRole("NOLOGIN") { role, password in
            let error = try await openError(["user": role, "password": password])
            #expect(error.kind == .connection(.notAuthorized))
        }
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0junk\u{1}\u{2}",
        "Welcome, this is not it",
    ])
    func somethingElseAnswers(_ answer: String) async throws {
        let server = try FakeServer(.answers(answer))
        defer { server.stop() }
        for mode in ["prefer", "disable"] {
            let error = try await openError(
                ["host": "127.0.0.1", "port": String(server.port), "sslmode": mode, "connect_timeout": "5"])
            #expect(error.kind == .connection(.notPostgreSQL), "sslmode \(mode): \(error)")
        }
    }

    @Test func peerHangsUp() async throws {
        let server = try FakeServer(.hangsUp)
        defer { server.stop() }
        let error = try await openError(["host": "127.0.0.1", "port": String(server.port)])
        #expect(error.kind == .connection(.closedDuringStartup))
    }

    @Test func peerSaysNothing() async throws {
        let server = try FakeServer(.silent)
        defer { server.stop() }
        let error = try await openError(
            ["host": "127.0.0.1", "port": String(server.port), "connect_timeout": "2"])
        #expect(error.kind == .connection(.timedOut))
    }

    /// As in psql, a host that does not answer does not hide the next one in the list.
    @Test func goesOnToTheNextHost() async throws {
        let server = try FakeServer(.silent)
        defer { server.stop() }
        let settings = try serverSettings()
        let list = try settings.settings([
            "host": "127.0.0.1,\(settings.host)", "port": "\(server.port),\(settings.port)", "connect_timeout": "2",
        ])
        let connection = try await Connection.open(list)
        try await expectUsable(connection)
        await connection.close()
    }

    @Test func connectingCanBeCancelled() async throws {
        let server = try FakeServer(.silent)
        defer { server.stop() }
        let settings = try serverSettings().settings(
            ["host": "127.0.0.1", "port": String(server.port), "connect_timeout": "0"])
        let task = Task { try await Connection.open(settings) }
        while server.acceptedCount == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func tlsThatIsRequiredButMissing() async throws {
        // The 'N' is a server's answer to "do you have TLS?".
        let server = try FakeServer(.answers("N"))
        defer { server.stop() }
        let error = try await openError(
            ["host": "127.0.0.1", "port": String(server.port), "sslmode": "require"])
        #expect(error.kind == .connection(.tls))
    }

    private func openError(_ keys: [String: String]) async throws -> PostgresError {
        let settings = try serverSettings().settings(keys)
        let secret = try unwrap(URLComponents(string: TestServer.url()), "not a URL").password
        let error = try await postgresError { await (try Connection.open(settings)).close() }
        if let secret { #expect(!"\(error)".contains(secret)) }
        return error
    }
}
