import Foundation
import SQLiteImport
import TestSupport
import Testing

/// By what a file is known again.
@Suite struct SourceFileTests {
    @Test func `A commit that writes over the WAL from its beginning is a change of the file`() throws {
        let file = try SQLiteFile("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a TEXT);")
        try file.execute(
            "INSERT INTO t VALUES (hex(randomblob(50000))); PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES ('first')"
        )
        let wal = file.path + "-wal"
        func size() throws -> Int? { try FileManager.default.attributesOfItem(atPath: wal)[.size] as? Int }
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: wal)
        let (before, bytes) = (try SourceFile(file.path).fingerprint, try size())
        #expect(try SourceFile(file.path).fingerprint == before)
        try file.execute("UPDATE t SET a = 'second' WHERE a = 'first'")
        #expect(try size() == bytes, "the WAL is large enough already")
        #expect(try SourceFile(file.path).fingerprint != before)
    }

    @Test func `Reading it is no change of it`() async throws {
        let file = try SQLiteFile("PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x');")
        let before = try SourceFile(file.path).fingerprint
        let snapshot = try await SourceSnapshot(file.path, readers: 4)
        #expect(try SourceFile(file.path).fingerprint == before)
        #expect(try await !snapshot.hasChanged())
        snapshot.close()
        #expect(try SourceFile(file.path).fingerprint == before)
    }
}
