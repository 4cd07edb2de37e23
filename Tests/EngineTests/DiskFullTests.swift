import Foundation
import PostgresDriver
import Subprocess
import SystemPackage
import Testing

@testable import Engine
@testable import Planning

/// A disk that fills up in the middle of a run. Needs to be root, for a small file system of its own.
@Suite(.enabled("root may mount a file system", mayMount)) struct DiskFullTests {
    private static let layout = """
        strata: 1
        databases: { main: {} }
        schemas:
          sales: { tables: [orders] }
          people: { tables: [customers] }
        indexes:
          - { table: sales.orders, columns: [note] }
        """
    private static let pile = """
        CREATE TABLE customers (id serial PRIMARY KEY);
        CREATE TABLE orders (id serial PRIMARY KEY, note text);
        INSERT INTO orders (note) SELECT md5(g::text) || md5((-g)::text) FROM generate_series(1, 20000) g;
        """

    /// A server with one database on a file system of 32 MB.
    private func with(_ body: (Connection, Filler) async throws -> Void) async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let running = try await server.start()
            let disk = fixture.folder.appending("disk")
            try FileManager.default.createDirectory(atPath: disk.string, withIntermediateDirectories: true)
            try await run("mount", "-t", "tmpfs", "-o", "size=32m,mode=0755", "tmpfs", disk.string)
            let result: Result<Void, any Error>
            do {
                let space = disk.appending("space")
                try FileManager.default.createDirectory(atPath: space.string, withIntermediateDirectories: true)
                try await run("chown", running.user, space.string)
                let url = try ConnectionSettings(running.url)
                let admin = try await Connection.open(url)
                try await admin.execute("CREATE TABLESPACE small LOCATION '\(space)'")
                try await admin.execute("CREATE DATABASE full_one TABLESPACE small")
                await admin.close()
                let connection = try await Connection.open(try url.settings(["dbname": "full_one"]))
                try await connection.execute(Self.pile)
                result = .success(try await body(connection, Filler(path: disk.appending("filler").string)))
                await connection.close()
            } catch {
                result = .failure(error)
            }
            try await server.destroy()
            try await run("umount", disk.string)
            try result.get()
        }
    }

    private func plan(_ connection: Connection) async throws -> Plan {
        let (layout, _) = try Pipeline.decode(Self.layout, file: "strata.yaml", environment: [:])
        return try Pipeline.plan(layout, try await CatalogReader.read(connection))
    }

    private func invalidIndexes(_ connection: Connection) async throws -> Int {
        try await connection.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid").only().int(0)
    }

    @Test func anIndexThatFindsNoRoomIsBuiltLater() async throws {
        try await with { connection, filler in
            let plan = try await plan(connection)
            let last = plan.groups.count
            let failure = try await engineFailure(.resumable) {
                try await Applier(connection, report: atGroup(last) { filler.fill() }).exclusively {
                    try await $0.apply(plan)
                }
            }
            #expect(failure.code == "disk-full", "\(failure)")
            #expect(
                failure.message.contains("orders_note_idx") && failure.nextStep == "make room on the server",
                "\(failure)")
            let places = try await connection.query(
                "SELECT to_regclass('sales.orders') IS NOT NULL AND to_regclass('people.customers') IS NOT NULL")
            #expect(try places.only().bool(0))

            filler.empty()
            let report = try await Applier(connection).exclusively { applier in
                try await applier.resume(try #require(try await applier.ledger.unfinished()))
            }
            #expect(report.stepsDone == 1 && report.stepsBefore == plan.steps.count - 1)
            #expect(try await invalidIndexes(connection) == 0)
            let undone = try await Applier(connection).exclusively { applier in
                try await applier.rollback(try #require(try await applier.ledger.latestEffective()))
            }
            #expect(undone.fingerprintAfter == plan.fingerprint)
        }
    }

    /// Full from the first step on: whatever still finds room in pages that exist is done, the rest is not.
    @Test func nothingIsHalfDone() async throws {
        try await with { connection, filler in
            let plan = try await plan(connection)
            let failure = try await engineFailure(.resumable) {
                try await Applier(connection, report: atGroup(1) { filler.fill() }).exclusively {
                    try await $0.apply(plan)
                }
            }
            #expect(failure.code == "disk-full", "\(failure)")
            let run = try #require(try await Ledger(connection).unfinished())
            for step in run.plan.steps where step.kind == .moveTable {
                let isHere = try await connection.query(
                    "SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass($1)", [.text(step.object)]
                ).first?.bool(0)
                #expect((isHere == true) == (run.stepStates[step.number] != .done), "\(step.object)")
            }
            filler.empty()
            _ = try await Applier(connection).exclusively { try await $0.resume(run) }
            #expect(try await self.plan(connection).isEmpty)
        }
    }
}

/// Takes all the room that is left, and gives it back.
private struct Filler: Sendable {
    let path: String

    func fill() {
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else {
            Issue.record("cannot write \(path)")
            return
        }
        var size = 1 << 20
        while size > 0 {
            let block = Data(count: size)
            while (try? file.write(contentsOf: block)) != nil {}
            size /= 4
        }
        try? file.close()
    }

    func empty() { try? FileManager.default.removeItem(atPath: path) }
}

private func run(_ program: String, _ arguments: String...) async throws {
    struct Failed: Error { var text: String }
    let result = try await Subprocess.run(
        .name(program), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 4096))
    guard result.terminationStatus.isSuccess else { throw Failed(text: result.standardError) }
}

/// Not in a container without CAP_SYS_ADMIN, nor where `mount` is of another kind.
@Sendable private func mayMount() async throws -> Bool {
    #if os(Linux)
        guard isRoot else { return false }
        let folder = "/tmp/strata-mount-\(Files.randomName(10))"
        try Files.makeFolder(folder, mode: 0o755)
        var may = false
        do {
            try await run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
            try await run("umount", folder)
            may = true
        } catch { may = false }
        try FileManager.default.removeItem(atPath: folder)
        return may
    #else
        return false
    #endif
}
