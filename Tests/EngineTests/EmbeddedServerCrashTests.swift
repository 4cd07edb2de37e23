import Foundation
import SystemPackage
import Testing

@testable import Engine

@Suite("Embedded server: after crashes", .serialized)
struct EmbeddedServerCrashTests {
    @Test("kill -9 of the postmaster: the next start recovers, with all committed data")
    func killedPostmaster() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(settings: ["synchronous_commit": "on"])
            let first = try await server.start()
            try await psql(first.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
            kill(first.pid, SIGKILL)
            try await eventually("the postmaster is dead") { !isAlive(first.pid) }
            #expect(
                try await server.status()
                    == .stopped(dataFolder: first.dataFolder, majorVersion: first.version.major, afterCrash: true))
            let second = try await server.start()
            #expect(!second.didTakeOver)
            #expect(second.pid != first.pid)
            #expect(try await psql(second.url, "SELECT count(*) FROM kept") == "1000")
        }
    }

    @Test("a backend that outlives its postmaster in a busy loop is ended before the next start")
    func orphanedBackend() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let site = try await fixture.site(server)
            let first = try await server.start()
            async let client: Void = busyLoop(first.url)
            try await eventually("the loop runs") {
                try await psql(first.url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %'") == "1"
            }
            let busy = try #require(
                Int32(try await psql(first.url, "SELECT pid FROM pg_stat_activity WHERE query LIKE 'DO %'")))
            kill(first.pid, SIGKILL)
            try await eventually("the postmaster is dead") { !isAlive(first.pid) }
            #expect(try await site.serverProcesses().contains(busy))
            let second = try await server.start()
            await client
            #expect(!isAlive(busy))
            #expect(try await psql(second.url, "SELECT 1") == "1")
        }
    }

    private func busyLoop(_ url: String) async {
        await #expect(throws: PsqlFailure.self) { try await psql(url, "DO $$ BEGIN LOOP END LOOP; END $$") }
    }

    @Test("a number in postmaster.pid that another program now has does not fool a start or a stop")
    func reusedProcessNumber() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(settings: ["synchronous_commit": "on"])
            let site = try await fixture.site(server)
            let first = try await server.start()
            try await psql(first.url, "CREATE TABLE kept AS SELECT 1 AS n")
            kill(first.pid, SIGKILL)
            try await eventually("all of it is dead") { try await site.serverProcesses().isEmpty }
            // The same user's, so that PostgreSQL by itself would refuse to start.
            let answer = try await site.shell("sleep 600 >/dev/null 2>&1 & echo $!", [], ownSession: true)
            let other = try #require(Int32(answer.output.trimmingCharacters(in: .newlines)))
            defer { kill(other, SIGKILL) }
            for file in [
                first.dataFolder.appending("postmaster.pid").string,
                first.socketFolder.appending(".s.PGSQL.\(first.port).lock").string,
            ] {
                let script = "sed -i.old \"1s/.*/$2/\" \"$1\" && rm -- \"$1.old\""
                #expect(try await site.shell(script, [file, "\(other)"]).succeeded)
            }
            #expect(try await server.stop() == false)
            let second = try await server.start()
            #expect(!second.didTakeOver)
            #expect(try await psql(second.url, "SELECT n FROM kept") == "1")
            #expect(isAlive(other))
        }
    }

    @Test("kill -9 of initdb half way: an error, and the next start makes a whole cluster")
    func killedInitdb() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let real = try await PostgresInstallation.find(environment: fixture.environment)
            let fake = fixture.folder.appending("bin")
            try writeScript(
                """
                for a; do case $a in --pgdata=*) data=${a#--pgdata=};; esac; done
                '\(real.program("initdb"))' "$@" & pid=$!
                until [ -e "$data/PG_VERSION" ]; do sleep 0.01; done
                kill -9 $pid; kill -9 $$
                """, to: fake.appending("initdb"))
            for name in ["postgres", "pg_ctl"] {
                try FileManager.default.createSymbolicLink(
                    atPath: fake.appending(name).string, withDestinationPath: real.program(name))
            }
            let broken = try fixture.server(environment: ["STRATA_PG_BINDIR": fake.string])
            let error = await serverError { try await broken.start() }
            #expect(error?.code == .initFailed)
            #expect(error?.message.contains("137") == true)
            let home = try await fixture.site(broken).home
            #expect(Files.names(in: home.string).contains { $0.hasPrefix("new-") })

            let running = try await fixture.server().start()
            #expect(try await psql(running.url, "SELECT 1") == "1")
            #expect(try await psql(running.tcpURL, "SELECT 1") == "1")
            // The orphaned bootstrap process may have held the folder; a later start clears it.
            try await eventually("the half cluster is gone") {
                try await ClusterCreation.recover(fixture.site(broken))
                return Files.names(in: home.string) == ["data", "lock", "pgpass", "strata.conf"]
            }
        }
    }

    @Test("a finished cluster that a kill kept from its place is put there, not deleted")
    func finishedButNotInPlace() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let site = try await fixture.site(server)
            let first = try await server.start()
            try await psql(first.url, "CREATE TABLE kept AS SELECT 7 AS n")
            try await server.stop()
            let staging = site.home.appending("new-12345678")
            try Files.makeFolder(staging.string, mode: 0o711)
            try Files.move(site.data.string, to: staging.appending("data").string)
            try Files.move(site.passfile.string, to: staging.appending("pgpass").string)
            let second = try await server.start()
            #expect(try await psql(second.tcpURL, "SELECT n FROM kept") == "7")
            #expect(Files.entry(staging.string) == nil)
        }
    }

    @Test("a port that was taken after it was chosen is replaced by another")
    func portTaken() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let holder = try await fixture.server(in: "holder").start()
            var configuration = try fixture.server().configuration
            let picks = Picks([holder.port])
            configuration.pickPort = { try picks.next() }
            let running = try await EmbeddedServer(configuration).start()
            #expect(running.port != holder.port)
            #expect(picks.count == 2)
            #expect(try await psql(running.tcpURL, "SELECT 1") == "1")
        }
    }

    @Test("the port of the last start is given up when somebody else listens there")
    func lastPortTaken() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(in: "first")
            let first = try await server.start()
            try await server.stop()
            var configuration = try fixture.server(in: "second").configuration
            configuration.pickPort = { first.port }
            let second = try await EmbeddedServer(configuration).start()
            #expect(second.port == first.port)
            #expect(try await server.start().port != first.port)
        }
    }
}

/// Ports in a fixed order, then free ones.
private final class Picks: @unchecked Sendable {
    private let lock = NSLock()
    private var ports: [Int]
    private var taken = 0

    init(_ ports: [Int]) { self.ports = ports }

    var count: Int { lock.withLock { taken } }

    func next() throws -> Int {
        try lock.withLock {
            taken += 1
            return try ports.isEmpty ? FreePort.pick() : ports.removeFirst()
        }
    }
}
