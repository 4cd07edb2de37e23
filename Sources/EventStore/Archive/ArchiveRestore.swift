import Foundation
import JSONSchemas
package import PostgresDriver
import SQLSyntax

/// A file of events as a table, to look into: not back into its stream, whose positions have gone on.
package struct ArchiveRestore: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    private static let limits = JSONLimits(depth: 256, bytes: 1 << 30, numberCharacters: 200_000, exponent: 10_000)

    /// Makes the table and fills it, as one transaction.
    ///
    /// - Parameters:
    ///   - schema, table: of a table that is not there yet.
    /// - Returns: what was read.
    /// - Throws: `EventStoreProblem`: there is no manifest, the file is not what it says, a line is no event; `PostgresError`.
    package func restore(into schema: String, _ table: String, on connection: Connection) async throws -> EventTally {
        guard let manifest = try EventManifest.read(beside: path) else {
            throw EventStoreProblem(
                "archive", "\(path) has no manifest beside it: nobody knows whether it is whole",
                next: "get the manifest, or read the lines with a tool of your own")
        }
        let found = try await EventFileReader.tally(of: path)
        guard found == manifest.tally else {
            throw EventStoreProblem(
                "archive", "\(path) is not what its manifest says: \(found.events) of \(manifest.events) events",
                next: "take both from a backup")
        }
        let name = "\(SQL.identifier(schema)).\(SQL.identifier(table))"
        let path = path
        return try await connection.transaction { connection in
            try await connection.execute(
                """
                CREATE TABLE \(name) (position bigint NOT NULL, id uuid NOT NULL, organization uuid NOT NULL, stream_id uuid NOT NULL,
                    stream varchar NOT NULL, type varchar NOT NULL, key varchar, created_at timestamp NOT NULL,
                    payload jsonb NOT NULL, metadata jsonb NOT NULL, PRIMARY KEY (stream_id, position))
                """)
            let rows = try await connection.copyIn("COPY \(name) FROM STDIN") { writer in
                var number = 0
                try await EventFileReader.lines(of: path) { line in
                    number += 1
                    try await writer.write(row: try Self.row(line, "line \(number) of \(path)"))
                }
            }
            guard rows == found.events else {
                throw EventStoreProblem("archive", "\(rows) of \(found.events) events have come into \(name)")
            }
            return found
        }
    }

    private static let columns = [
        "position", "id", "organization", "stream_id", "stream", "type", "key", "created_at", "payload", "metadata",
    ]

    private static func row(_ line: ArraySlice<UInt8>, _ place: String) throws -> [String?] {
        let value: JSONValue
        do { value = try JSONParser.parse(line, limits: limits) } catch {
            throw EventStoreProblem("archive", "\(place) is no JSON: \(error)")
        }
        guard case .object(let object) = value else { throw EventStoreProblem("archive", "\(place) is no event") }
        return try columns.map { column in
            guard let member = object[column] else {
                throw EventStoreProblem("archive", "\(place) is no event: it has no \(column)")
            }
            switch (column, member) {
            case ("payload", _), ("metadata", _): return JSONWriter.text(member)
            case (_, .string(let text)): return text
            case (_, .null): return nil
            default: return JSONWriter.text(member)
            }
        }
    }
}
