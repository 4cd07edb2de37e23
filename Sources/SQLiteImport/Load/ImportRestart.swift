package import Planning
package import PostgresDriver
import SQLSyntax

/// Takes back what an import made, and nothing else: in one transaction, without CASCADE.
package enum ImportRestart {
    /// Refuses where a table has other rows than the import loaded: they are somebody else's.
    package static func run(_ journal: ImportJournal, on connection: Connection) async throws {
        do {
            try await connection.transaction { connection in
                try await undo(journal, connection)
            }
        } catch let error as PostgresError where error.sqlState == .dependentObjectsExist {
            throw ImportFailure(
                .failed,
                Diagnostic(
                    .error, "in-use", "something was built on the imported tables: \(error.detail ?? error.message)",
                    nextStep: "drop that first; --restart drops only what the import made"))
        }
    }

    /// Its place is taken by a view of the old name.
    private static func moved(_ name: String) -> ImportFailure {
        ImportFailure(
            .failed,
            Diagnostic(
                .error, "moved", "\(name) is no table any more: it has moved since the import; nothing was changed",
                object: name, nextStep: "strata rollback brings it back, where strata apply moved it; then --restart"))
    }

    private static func undo(_ journal: ImportJournal, _ connection: Connection) async throws {
        let loaded = try await journal.loaded()
        let tables = try await connection.query(
            "SELECT source, schema, name, made FROM strata.import_tables WHERE import_id = $1", [.int(journal.id)])
        var emptied: [String] = []
        for row in tables {
            let name = SQL.qualified(try row.string("schema"), try row.string("name"))
            let kind = try await connection.query(
                "SELECT relkind::text AS kind FROM pg_class WHERE oid = to_regclass($1)", [.text(name)]
            ).first?.string("kind")
            guard let kind else { continue }
            guard ["r", "p"].contains(kind) else { throw moved(name) }
            try await connection.execute("LOCK TABLE \(name) IN ACCESS EXCLUSIVE MODE")
            let rows = try await connection.query("SELECT count(*) AS rows FROM \(name)").only().int("rows")
            let own = loaded[try row.string("source")]?.loaded ?? 0
            guard rows == own || rows == 0 else {
                throw ImportFailure(
                    .failed,
                    Diagnostic(
                        .error, "other-rows",
                        "\(name) has \(grouped(rows)) rows, and the import loaded \(grouped(own)): it has been written since",
                        object: name, nextStep: "if they are not needed, empty the table by hand and try again"))
            }
            if try !row.bool("made") { emptied.append(name) }
        }
        if !emptied.isEmpty { try await connection.execute("TRUNCATE \(emptied.joined(separator: ", "))") }
        for entry in try await journal.steps().reversed() where entry.state == "done" {
            if let undo = entry.step.undo { try await connection.execute(undo) }
        }
        try await ImportJournal(journal.id, on: connection).set(state: "undone")
    }
}
