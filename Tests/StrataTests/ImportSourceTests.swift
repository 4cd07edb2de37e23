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

    @Test(
        "Nothing of it changes and nothing is left beside it, in either journal mode",
        arguments: ["DELETE", "WAL"])
    func unchanged(mode: String) async throws {
        try await ImportWorkshop.with("PRAGMA journal_mode = \(mode);" + Self.shelter) { shop in
            let (bytes, files) = (try shop.bytes(), try shop.files())
            #expect(files == ["app.db"])
            for words in [["--review"], ["--quiet"], ["--verify"], ["--restart", "--quiet"]] {
                let result = try await shop.start(words).finish()
                #expect(result.code == 0, "\(words): \(result)")
                #expect(try shop.files() == files, "\(words)")
            }
            // An error in the midst of it.
            let failed = try await shop.run("--quiet")
            #expect(failed.code == 3, "\(failed)")
            #expect(try shop.bytes() == bytes && shop.files() == files)
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
        try #require(geteuid() == 0, "only root can become somebody else, whom a folder's rights hold back")
        try await ImportWorkshop.with(nil) { shop in
            let place = shop.folder.appending(path: "a folder #1 50%?")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let name = "a folder #1 50%?/app.db"
            try shop.make("PRAGMA journal_mode = \(mode);" + Self.shelter, at: name)
            let bytes = try shop.bytes(name)
            chmod(shop.path(name), 0o444)
            chmod(place.path, 0o555)
            let outputs = shop.folder.appending(path: "rejects")
            try FileManager.default.createDirectory(at: outputs, withIntermediateDirectories: true)
            chmod(outputs.path, 0o777)
            let words = [
                "--reuid=65534", "--regid=65534", "--clear-groups", "--", Program.path.path, "import", "sqlite", name,
                "--quiet", "--rejects", "rejects/r.jsonl",
            ]
            let result = try await shop.program.start(words, executable: URL(filePath: "/usr/bin/setpriv")).finish()
            #expect(result.code == 0, "\(result)")
            #expect(try await shop.texts("SELECT count(*) FROM animal") == ["3000"])
            #expect(try shop.bytes(name) == bytes)
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["app.db"])
        }
    }
}
