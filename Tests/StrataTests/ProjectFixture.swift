import Foundation
import TestSupport
import Testing

/// A layout with a projection, its statement files, and an event store with a stream.
struct ProjectFixture: Sendable {
    let shop: Workshop

    static let tables = """
        CREATE SCHEMA readmodels;
        CREATE TABLE readmodels.animals (id text PRIMARY KEY, name text NOT NULL, seen bigint NOT NULL DEFAULT 0);
        CREATE VIEW public.animals AS SELECT * FROM readmodels.animals;
        """

    static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" } }
        schemas:
          readmodels: { tables: [animals] }
        projections:
          animals:
            stream: animals
            schema: readmodels
            tables: [animals]
            statements: { registered: sql/registered.sql, seen: sql/seen.sql }
        """

    static let files = [
        "sql/registered.sql": "INSERT INTO animals (id, name) VALUES (:key, :payload.name);\n",
        "sql/seen.sql": "-- once more\nUPDATE animals SET seen = seen + 1 WHERE id = :key;\n",
    ]

    static func with(
        layout: String = ProjectFixture.layout, hasStore: Bool = true, _ body: (ProjectFixture) async throws -> Void
    ) async throws {
        try await Workshop.with(pile: tables, layout: layout) { shop in
            let fixture = ProjectFixture(shop: shop)
            try FileManager.default.createDirectory(
                at: shop.folder.appending(path: "sql"), withIntermediateDirectories: true)
            for (name, text) in files { try fixture.write(text, to: name) }
            if hasStore {
                for words in [["init"], ["organization", "add", "Shelter"], ["stream", "add", "animals"]] {
                    let result = try await shop.program.start(["events"] + words).finish()
                    #expect(result.code == 0, "\(result)")
                }
            }
            try await body(fixture)
        }
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: shop.folder.appending(path: name))
    }

    @discardableResult
    func run(
        _ words: String..., code: Int32 = 0, timeout: TimeInterval = 120,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Program.Result {
        let result = try await shop.program.start(words, timeout: timeout).finish(sourceLocation)
        #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
        return result
    }

    func append(_ lines: String...) async throws {
        try write(lines.joined(separator: "\n"), to: "more.ndjson")
        try await run("events", "append", "animals", "more.ndjson")
    }

    static func registered(_ key: String) -> String {
        #"{"type": "registered", "key": "\#(key)", "payload": {"name": "Rex \#(key)"}}"#
    }

    static func seen(_ key: String) -> String { #"{"type": "seen", "key": "\#(key)", "payload": {}}"# }

    func animals() async throws -> [String] {
        try await shop.column("SELECT id || ' ' || seen FROM public.animals ORDER BY id")
    }
}
