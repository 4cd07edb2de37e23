import Foundation
import JSONSchemas
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Events as lines of JSON in a file, with a manifest beside it.
@Suite("Events: export")
struct EventExportTests {
    private static func with(
        _ body: (EventStoreFixture, Directory, _ folder: URL) async throws -> Void
    ) async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let directory = Directory(store.database.settings, schema: store.schema, connections: 1)
                do { try await body(store, directory, folder) } catch {
                    await directory.close()
                    throw error
                }
                await directory.close()
            }
        }
    }

    private static func lines(_ path: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("S3.31 All events of a stream, in order, as they were; the manifest has their number and the file's SHA-256")
    func whole() async throws {
        try await Self.with { store, directory, folder in
            let id = try await store.stream("ani \"mals\"\n")
            // More than one slice, and everything that JSON escapes.
            try await store.append((1...2_500).map { .counted($0, key: "k\($0 % 3)") }, to: id)
            let odd = NewEvent(
                type: "a \"t\" \\ \u{1} ü", payload: #"[1.50, "\u00e9\n\\", {"a": null}]"#,
                metadata: #"{"by": "\t"}"#)
            try await store.append([odd], to: id)
            let stream = try await directory.stream(id, of: store.organization)
            let path = folder.appending(path: "a.jsonl").path
            let export = EventExport(store.reader, directory, of: store.organization)
            let target = try EventExportFile(path, replaces: false)
            let manifest = try await target.write { try await export.write(stream, to: $0).map { [$0] } ?? [] }
            let lines = try Self.lines(path)
            #expect(lines.compactMap { $0["position"] as? Int } == Array(1...2_501) && manifest.events == 2_501)
            #expect(Set(lines.compactMap { $0["id"] as? String }).count == 2_501)
            #expect(lines[41]["key"] as? String == "k0" && (lines[41]["payload"] as? [String: Int]) == ["n": 42])
            let last = try #require(lines.last)
            #expect(last["type"] as? String == odd.type && last["key"] is NSNull)
            #expect(last["stream"] as? String == "ani \"mals\"\n")
            #expect((last["payload"] as? [Any])?[1] as? String == "é\n\\")
            #expect(last["stream_id"] as? String == id.uuidString.lowercased())
            let data = try Data(contentsOf: URL(filePath: path))
            var tallying = try EventTallying()
            try tallying.add(Array(data))
            #expect(try tallying.finish() == manifest.tally && data.count == manifest.bytes)
            #expect(try EventManifest.read(beside: path) == manifest)
            #expect(manifest.streams?.first?.lastPosition == 2_501 && manifest.streams?.first?.firstPosition == 1)
            #expect(!FileManager.default.fileExists(atPath: EventFile.partial(path)))
            // What is in the database, line by line: the archive's lines are the same.
            let rows = try await store.rows(
                "SELECT \(EventLine.column("events")) AS line FROM events.events e ORDER BY position")
            for (row, line) in zip(rows, try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")) {
                #expect(try JSONParser.parse(try row.string("line")) == JSONParser.parse(String(line)))
            }
        }
    }

    @Test(
        "Positions and times bound it; below what is archived it is refused, and without a beginning it starts behind it"
    )
    func bounds() async throws {
        try await Self.with { store, directory, folder in
            let id = try await store.stream()
            let first = try await store.append((1...10).map { .counted($0) }, to: id)
            try await store.rows("UPDATE events.event_streams SET last_at = last_at + interval '1 minute'")
            try await store.append((11...20).map { .counted($0) }, to: id)
            func exported(_ bounds: EventExport.Bounds) async throws -> [Int] {
                let path = folder.appending(path: "b.jsonl").path
                let stream = try await directory.stream(id, of: store.organization)
                let export = EventExport(store.reader, directory, of: store.organization, bounds)
                _ = try await EventExportFile(path, replaces: true).write {
                    try await export.write(stream, to: $0).map { [$0] } ?? []
                }
                return try Self.lines(path).compactMap { $0["position"] as? Int }
            }
            #expect(try await exported(.init(after: 3, upTo: 5)) == [4, 5])
            #expect(try await exported(.init(from: first.at.addingTimeInterval(1))) == Array(11...20))
            #expect(try await exported(.init(to: first.at.addingTimeInterval(1))) == Array(1...10))
            #expect(
                try await exported(.init(after: 8, from: first.at, to: first.at.addingTimeInterval(60))) == [9, 10])
            #expect(try await exported(.init(from: first.at.addingTimeInterval(9_000))).isEmpty)
            try await store.rows("UPDATE events.event_streams SET floor_position = 15")
            #expect(try await exported(.init()) == Array(16...20))
            #expect(try await exported(.init(from: first.at)) == Array(16...20))
            await #expect(throws: EventStoreRefusal.outOfRange(floor: 15)) { try await exported(.init(after: 3)) }
        }
    }

    @Test("All streams of one organisation, and nothing of another's")
    func all() async throws {
        try await Self.with { store, directory, folder in
            for name in ["b", "a", "empty"] { _ = try await store.stream(name) }
            let foreign = try await store.stream("secret", of: store.other)
            try await store.append([.counted(1)], to: foreign, of: store.other)
            for name in ["a", "b"] {
                let stream = try await directory.stream(named: name, of: store.organization)
                try await store.append([.counted(1), .counted(2)], to: stream.id)
            }
            try await directory.setStream(try await store.stream("old"), of: store.organization, isActive: false)
            let path = folder.appending(path: "all.jsonl").path
            let export = EventExport(store.reader, directory, of: store.organization)
            var inactive = 0
            let manifest = try await EventExportFile(path, replaces: false).write { file in
                let written = try await export.writeAll(to: file)
                inactive = written.inactive
                return written.streams
            }
            #expect(manifest.streams?.map(\.name) == ["a", "b"] && manifest.events == 4 && inactive == 1)
            #expect(try Self.lines(path).compactMap { $0["stream"] as? String } == ["a", "a", "b", "b"])
        }
    }

    @Test("A file that is being written, is there already, or cannot be is refused; what was cut off is written over")
    func files() async throws {
        try await withEventFolder { folder in
            let path = folder.appending(path: "f.jsonl").path
            let first = try EventFile(path)
            try await first.write(Array("1\n".utf8))
            #expect(throws: EventStoreProblem.self) { try EventFile(path) }
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(try await first.finish().events == 1)
            // Cut off before its manifest: not a whole export yet.
            _ = try EventExportFile(path, replaces: false)
            try Data(repeating: 0x7B, count: 1 << 20).write(to: URL(filePath: EventFile.partial(path)))
            let manifest = try await EventExportFile(path, replaces: false).write { file in
                try await file.write(Array("{}\n".utf8))
                return []
            }
            #expect(try manifest.bytes == 3 && String(contentsOfFile: path, encoding: .utf8) == "{}\n")
            #expect(throws: EventStoreProblem.self) { try EventExportFile(path, replaces: false) }
            await #expect(throws: CancellationError.self) {
                _ = try await EventExportFile(path, replaces: true).write { _ in throw CancellationError() }
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "{}\n")
            #expect(!FileManager.default.fileExists(atPath: EventFile.partial(path)))
            #expect(throws: EventStoreProblem.self) { try EventExportFile(folder.path, replaces: true) }
            #expect(throws: EventStoreProblem.self) { try EventFile("/dev/null/nowhere/f") }
            try Data("{}".utf8).write(to: URL(filePath: EventManifest.path(beside: path)))
            #expect(throws: EventStoreProblem.self) { try EventManifest.read(beside: path) }
            // No room on the disk.
            let full = try EventFile(descriptor: open("/dev/full", O_WRONLY))
            await #expect(throws: EventStoreProblem.self) { try await full.write([0x0A]) }
        }
    }

    @Test func timesAsText() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"), (1_709_164_800.25, "2024-02-29T00:00:00.250Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"), (-0.001, "1969-12-31T23:59:59.999Z"),
            (4_102_444_799.999, "2099-12-31T23:59:59.999Z"), (-11_676_096_000, "1600-01-01T00:00:00.000Z"),
        ] { #expect(UTCText.text(Date(timeIntervalSince1970: seconds)) == text) }
    }
}

/// A folder that is gone afterwards.
func withEventFolder<T>(_ body: (URL) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory.appending(path: "strata-events-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}
