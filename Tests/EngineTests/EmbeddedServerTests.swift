import Foundation
import SystemPackage
import Testing

@testable import Engine

@Suite("Embedded server: start, take over, stop", .serialized)
struct EmbeddedServerTests {
    @Test("the first start makes a server, the second takes it over, stop ends it, and a restart keeps port and data")
    func lifecycle() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let expected = fixture.folder.appending("project/.strata/pg/data")
            #expect(try await server.status() == .absent(dataFolder: expected))
            #expect(try await server.stop() == false)

            let first = try await server.start()
            #expect(!first.didTakeOver)
            #expect(first.dataFolder == expected)
            #expect(try await psql(first.url, "SELECT current_user, current_database()") == "strata_admin|strata")
            try await psql(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")

            let second = try await server.start()
            #expect(second.didTakeOver)
            #expect((second.pid, second.port, second.url) == (first.pid, first.port, first.url))
            #expect(second.version == first.version)
            #expect(try await server.status() == .running(second))

            #expect(try await server.stop())
            #expect(!isAlive(first.pid))
            let major = first.version.major
            let stopped = ServerStatus.stopped(dataFolder: expected, majorVersion: major, afterCrash: false)
            #expect(try await server.status() == stopped)
            #expect(try await server.stop() == false)

            let third = try await server.start()
            #expect(!third.didTakeOver)
            #expect(third.port == first.port)
            #expect(try await psql(third.url, "SELECT answer FROM kept") == "42")
        }
    }

    @Test("the settings are those that replicas, splits and statistics need")
    func settings() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(settings: ["work_mem": "5MB", "application_name": "it's a \\ test"])
            let url = try await server.start().url
            #expect(try await psql(url, "SHOW wal_level") == "logical")
            #expect(try await psql(url, "SHOW max_connections") == "200")
            #expect(try await psql(url, "SHOW listen_addresses") == "127.0.0.1")
            #expect(try await psql(url, "SHOW data_checksums") == "on")
            #expect(try await psql(url, "SHOW server_encoding") == "UTF8")
            #expect(try await psql(url, "SHOW fsync") == "off")
            #expect(try await psql(url, "SHOW work_mem") == "5MB")
            let quoted = "SELECT setting FROM pg_file_settings WHERE name = 'application_name'"
            #expect(try await psql(url, quoted) == "it's a \\ test")
            #expect(try await psql(url, "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL") == "0")
            let methods = "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules ORDER BY 1"
            #expect(try await psql(url, methods) == "host|scram-sha-256\nlocal|trust")
        }
    }

    @Test("a durable server keeps fsync on")
    func durable() async throws {
        try await EmbeddedServerFixture.with { fixture in
            var configuration = try fixture.server().configuration
            configuration.durable = true
            let url = try await EmbeddedServer(configuration).start().url
            #expect(try await psql(url, "SHOW fsync") == "on")
            #expect(try await psql(url, "SHOW full_page_writes") == "on")
        }
    }

    @Test("TCP asks for the password, which is in a 0600 file and nowhere else")
    func password() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let running = try await server.start()
            #expect(try await psql(running.tcpURL, "SELECT 1") == "1")
            let without = "postgresql://strata_admin@127.0.0.1:\(running.port)/strata"
            let refused = await #expect(throws: PsqlFailure.self) {
                try await psql(without, "SELECT 1", passfile: "/dev/null")
            }
            #expect(refused?.message.contains("password") == true)

            let entry = try #require(Files.entry(running.passfile.string))
            #expect(entry.mode == 0o600)
            #expect(entry.owner == geteuid())
            let line = try #require(Files.read(running.passfile.string)?.split(separator: "\n").first)
            let password = String(try #require(line.split(separator: ":").last))
            #expect(password.count == 32)
            let status = try await server.status()
            #expect(!"\(running) \(status)".contains(password))
            let found = try await fixture.site(server).shell(
                "grep -rlF -- \"$2\" \"$1\"", [running.dataFolder.string, password])
            #expect(found.output.isEmpty)
            #expect(
                Files.read(running.passfile.removingLastComponent().appending("strata.conf").string)?
                    .contains(password) == false)
        }
    }

    @Test("a password file that was deleted is replaced at the next start")
    func lostPassfile() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let first = try await server.start()
            let old = try #require(Files.read(first.passfile.string))
            try await server.stop()
            Files.removeFile(first.passfile.string)
            let second = try await server.start()
            #expect(try await psql(second.tcpURL, "SELECT 1") == "1")
            #expect(Files.read(second.passfile.string) != old)
            let names = Files.names(in: second.passfile.removingLastComponent().string)
            #expect(names == ["data", "lock", "pgpass", "strata.conf"])
        }
    }

    @Test("starts at the same time make one server", arguments: [4])
    func concurrentStarts(count: Int) async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let started = try await withThrowingTaskGroup(of: RunningServer.self) { group in
                for _ in 0..<count { group.addTask { try await server.start() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(started.map(\.pid)).count == 1)
            #expect(started.filter { !$0.didTakeOver }.count == 1)
        }
    }

    @Test(
        "every way of stopping ends the server, also with a client connected", arguments: [StopMode.fast, .immediate])
    func stopWithClient(mode: StopMode) async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let running = try await server.start()
            async let client: Void = expectBroken(running.url)
            try await eventually("the client is there") {
                try await psql(running.url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'")
                    == "2"
            }
            #expect(try await server.stop(mode: mode))
            await client
            #expect(try await fixture.site(server).serverProcesses() == [])
        }
    }

    private func expectBroken(_ url: String) async {
        await #expect(throws: PsqlFailure.self) { try await psql(url, "SELECT pg_sleep(600)") }
    }

    @Test("a smart stop that clients hold up says so, and leaves the server to them")
    func smartStop() async throws {
        try await EmbeddedServerFixture.with { fixture in
            var configuration = try fixture.server().configuration
            configuration.stopTimeout = .milliseconds(300)
            let server = EmbeddedServer(configuration)
            let running = try await server.start()
            async let client: Void = expectBroken(running.url)
            try await eventually("the client is there") {
                try await psql(running.url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'")
                    == "2"
            }
            let error = await serverError { try await server.stop(mode: .smart) }
            #expect(error?.code == .timedOut)
            #expect(error?.nextStep.contains("fast") == true)
            #expect(isAlive(running.pid))
            configuration.stopTimeout = .seconds(30)
            #expect(try await EmbeddedServer(configuration).stop())
            await client
        }
    }

    @Test("destroy leaves nothing, and is only for ephemeral servers")
    func destroy() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            try await server.destroy()
            let running = try await server.start()
            let lasting = EmbeddedServer(
                .init(
                    directory: server.configuration.directory, environment: fixture.environment))
            #expect(await serverError { try await lasting.destroy() }?.nextStep == "stop it instead")
            try await server.destroy()
            #expect(!isAlive(running.pid))
            #expect(Files.names(in: server.configuration.directory.string) == [])
            #expect(Files.entry(running.socketFolder.string) == nil)
        }
    }
}
