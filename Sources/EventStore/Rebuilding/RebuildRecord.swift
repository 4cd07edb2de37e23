package import Foundation
package import PostgresDriver

/// What is known of a rebuild: a row of `strata.projection_rebuilds`, from the moment when its tables are made until what it has
/// replaced is dropped.
package struct RebuildRecord: Sendable, Hashable {
    package enum Stage: String, Sendable, Hashable, Codable {
        case projecting
        /// What was built is live, what was live before is kept.
        case swapped
        /// The reverse again.
        case undone
    }

    package var stage: Stage
    /// Of the projection that it was begun with.
    package var fingerprint: String
    /// What it replaces goes at once.
    package var dropsOld = false
    /// The store's dead letters are those of the live copy.
    package var lettersAgree = true
    package var startedAt: Date
    package var swappedAt: Date?
    /// The last comparison.
    package var report: ReadModelReport?

    package static func all(on connection: Connection) async throws -> [String: RebuildRecord] {
        let rows = try await connection.query(
            """
            SELECT name, stage, fingerprint, drop_old, letters_agree, report::text AS report,
                \(Milliseconds.of("started_at", as: "started")), \(Milliseconds.of("swapped_at", as: "swapped"))
            FROM strata.projection_rebuilds
            """)
        var records: [String: RebuildRecord] = [:]
        for row in rows {
            guard let stage = Stage(rawValue: try row.string("stage")) else { continue }
            let report = try row.optionalString("report").map {
                try JSONDecoder().decode(ReadModelReport.self, from: Data($0.utf8))
            }
            records[try row.string("name")] = RebuildRecord(
                stage: stage, fingerprint: try row.string("fingerprint"), dropsOld: try row.bool("drop_old"),
                lettersAgree: try row.bool("letters_agree"), startedAt: try row.date("started"),
                swappedAt: try row.optionalDate("swapped"), report: report)
        }
        return records
    }

    static func begin(_ name: String, fingerprint: String, dropsOld: Bool, on connection: Connection) async throws {
        _ = try await connection.query(
            "INSERT INTO strata.projection_rebuilds (name, stage, fingerprint, drop_old) VALUES ($1, 'projecting', $2, $3)",
            [.text(name), .text(fingerprint), .bool(dropsOld)])
    }

    static func keep(_ report: ReadModelReport, of name: String, on connection: Connection) async throws {
        let text = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        _ = try await connection.query(
            "UPDATE strata.projection_rebuilds SET report = $2::jsonb WHERE name = $1", [.text(name), .text(text)])
    }

    static func dropOld(_ drops: Bool, of name: String, on connection: Connection) async throws {
        _ = try await connection.query(
            "UPDATE strata.projection_rebuilds SET drop_old = $2 WHERE name = $1 AND stage = 'projecting'",
            [.text(name), .bool(drops)])
    }

    /// In the transaction of the swap.
    static func swapped(_ name: String, to stage: Stage, on connection: Connection) async throws {
        _ = try await connection.query(
            "UPDATE strata.projection_rebuilds SET stage = $2, letters_agree = false, swapped_at = now() WHERE name = $1",
            [.text(name), .text(stage.rawValue)])
    }

    static func settled(_ name: String, on connection: Connection) async throws {
        _ = try await connection.query(
            "UPDATE strata.projection_rebuilds SET letters_agree = true WHERE name = $1", [.text(name)])
    }
}
