import Foundation
import GRDB
import PostgresDriver
import TestSupport
import Testing

/// The file is only read: in WAL mode, beside a writer, in a folder that may not be written, it stays as it is.
@Suite("Import: the file stays as it is") struct ImportSourceTests {
    private static let shelter = """
        CREATE TABLE animal (id INTEGER PRIMARY KEY, name TEXT, age INTEGER);
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 3000) INSERT INTO animal SELECT i, 'name ' || i, i % 20 FROM g;
        """

    /// In WAL mode SQLite makes an empty -wal and a -shm for readers, which only a connection that may write takes away.
    private static func isAsItWas(_ shop: ImportWorkshop, _ bytes: Data, mode: String) throws -> Bool {
        let beside = mode == "WAL" ? ["app.db-shm", "app.db-wal"] : []
        let wal = FileManager.default.contents(atPath: shop.path("app.db-wal"))
        return try shop.bytes() == bytes && wal?.isEmpty != false && Set(shop.files()).subtracting(beside) == ["app.db"]
    }

    @Test("Nothing of it changes, in either journal mode", arguments: ["DELETE", "WAL"])
    func unchanged(mode: String) async throws {
        try await ImportWorkshop.with("PRAGMA journal_mode = \(mode);" + Self.shelter) { shop in
            let bytes = try shop.bytes()
            #expect(try shop.files() == ["app.db"])
            for words in [["--review"], ["--quiet"], ["--verify"], ["--restart", "--quiet"]] {
                let result = try await shop.start(words).finish()
                #expect(result.code == 0, "\(words): \(result)")
                #expect(try Self.isAsItWas(shop, bytes, mode: mode), "\(words)")
            }
            // An error in the midst of it.
            let failed = try await shop.run("--quiet")
            #expect(failed.code == 3, "\(failed)")
            #expect(try Self.isAsItWas(shop, bytes, mode: mode))
        }
    }

    @Test("Rows that are still in the WAL are imported; what a writer adds meanwhile is not, and the result says so")
    func writer() async throws {
        try await ImportWorkshop.with("PRAGMA journal_mode = WAL;") { shop in
            let queue = try DatabaseQueue(path: shop.path(), configuration: ImportWorkshop.configuration)
            try ImportWorkshop.execute(
                "PRAGMA wal_autocheckpoint = 0;" + Self.shelter
                    + "CREATE TABLE log (id INTEGER PRIMARY KEY, animal INTEGER);", queue)
            let before = try shop.bytes()
            #expect(before.count <= 8192, "the rows are in the WAL, not in the file")
            let running = try shop.start(["--format", "json", "--quiet"])
            // Two tables in one transaction: the snapshot has both rows of it or neither.
            var written = 0
            while kill(running.pid, 0) == 0 {
                try ImportWorkshop.execute(
                    "BEGIN; INSERT INTO animal (name) VALUES ('late'); INSERT INTO log (animal) VALUES (last_insert_rowid()); COMMIT",
                    queue)
                written += 1
            }
            let result = try await running.finish()
            #expect(result.code == 0, "\(result)")
            #expect(try object(result.output)["sourceHasChanged"] as? Bool == true)
            let counts = try await shop.texts(
                "SELECT (SELECT count(*) FROM animal) - 3000 - (SELECT count(*) FROM log)")
            #expect(counts == ["0"])
            let late = try #require(Int(try await shop.texts("SELECT count(*) FROM log")[0]))
            #expect(late < written, "\(late) of \(written)")
            #expect(try shop.bytes() == before)
            try queue.close()
        }
    }

    @Test("A folder and a file that may only be read, by another user than root", arguments: ["DELETE", "WAL"])
    func readOnly(mode: String) async throws {
        try await withReadOnlyFile(mode) { (shop, start) async throws in
            let bytes = try shop.bytes(Self.sheltered)
            let result = try await start().finish()
            #expect(result.code == 0, "\(result)")
            #expect(try await shop.texts("SELECT count(*) FROM animal") == ["3000"])
            #expect(try shop.bytes(Self.sheltered) == bytes)
            let place = shop.folder.appending(path: Self.sheltered).deletingLastPathComponent()
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["app.db"])
        }
    }

    @Test("A file that has to be read without locks and is written meanwhile: an error with the next step")
    func writtenWithoutLocks() async throws {
        try await withReadOnlyFile("WAL") { (shop, start) async throws in
            try await shop.database.execute("CREATE TABLE animal (id bigint PRIMARY KEY, name text, age bigint)")
            // Holds the import between its first look at the file and its last one.
            let holder = try await shop.database.connect()
            try await holder.execute("BEGIN; LOCK TABLE animal")
            let running = try start()
            try await eventually("the import waits") {
                try await holder.query("SELECT FROM pg_locks WHERE relation = 'animal'::regclass AND NOT granted").count
                    > 0
            }
            try shop.make("INSERT INTO animal (name) VALUES ('late')", at: Self.sheltered)
            try await holder.execute("COMMIT")
            await holder.close()
            let result = try await running.finish()
            #expect(result.code == 1 && result.prose.contains("was written while it was read"), "\(result)")
            #expect(result.prose.contains("--restart"), "\(result)")
        }
    }

    private static let sheltered = "a folder #1 50%?/app.db"

    private func withReadOnlyFile(
        _ mode: String, _ body: (ImportWorkshop, () throws -> RunningProgram) async throws -> Void
    ) async throws {
        try #require(geteuid() == 0, "only root can become somebody else, whom a folder's rights hold back")
        try await ImportWorkshop.with(nil) { shop in
            let place = shop.folder.appending(path: Self.sheltered).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try shop.make("PRAGMA journal_mode = \(mode);" + Self.shelter, at: Self.sheltered)
            chmod(shop.path(Self.sheltered), 0o444)
            chmod(place.path, 0o555)
            let outputs = shop.folder.appending(path: "rejects")
            try FileManager.default.createDirectory(at: outputs, withIntermediateDirectories: true)
            chmod(outputs.path, 0o777)
            let words = [
                "--reuid=65534", "--regid=65534", "--clear-groups", "--", Program.path.path, "import", "sqlite",
                Self.sheltered, "--quiet", "--rejects", "rejects/r.jsonl",
            ]
            try await body(shop) { try shop.program.start(words, executable: URL(filePath: "/usr/bin/setpriv")) }
        }
    }
}
