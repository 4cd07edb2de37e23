package import Planning
package import PostgresDriver
import SQLSyntax

/// Takes back what an import made, and nothing else: in one transaction, without CASCADE.
package enum ImportRestart {
    /// Refuses where a table has other rows than the import loaded, or rows that were changed since: they are somebody else's.
    package static func run(_ journal: ImportJournal, on connection: Connection) async throws {
        do {
            try await connection.transaction { connection in
                try await undo(journal, connection)
            }
        } catch let error as PostgresError
            where [.dependentObjectsExist, .featureNotSupported].contains(error.sqlState)
        {
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

    private static func written(_ name: String, _ how: String) -> ImportFailure {
        ImportFailure(
            .failed,
            Diagnostic(
                .error, "other-rows", "\(name) \(how): it has been written since; nothing was changed", object: name,
                nextStep: "if its rows are not needed, empty the table by hand and try again"))
    }

    /// What came after the rows goes first, so that no key stands in their way and no trigger fires.
    private static func undo(_ journal: ImportJournal, _ connection: Connection) async throws {
        try await journal.waitForCommits(on: connection)
        let filled = try await filled(journal, connection)
        let done = try await journal.steps().reversed().filter { $0.state == "done" }.map(\.step)
        for step in done where !step.stage.isBeforeRows { try await undo(step, connection) }
        if !filled.isEmpty { try await connection.execute("TRUNCATE \(filled.joined(separator: ", "))") }
        for step in done where step.stage.isBeforeRows { try await undo(step, connection) }
        try await ImportJournal(journal.id, on: connection).set(state: "undone")
    }

    private static func undo(_ step: ImportStep, _ connection: Connection) async throws {
        if let undo = step.undo { try await connection.execute(undo) }
    }

    private struct Table {
        var sql: String
        var source: String
        var isMade: Bool
    }

    /// Those of the import that are there, locked.
    private static func tables(_ journal: ImportJournal, _ connection: Connection) async throws -> [Table] {
        let rows = try await connection.query(
            "SELECT source, schema, name, made FROM strata.import_tables WHERE import_id = $1", [.int(journal.id)])
        var tables: [Table] = []
        for row in rows {
            let name = SQL.qualified(try row.string("schema"), try row.string("name"))
            let kind = try await connection.query(
                "SELECT relkind::text AS kind FROM pg_class WHERE oid = to_regclass($1)", [.text(name)]
            ).first?.string("kind")
            guard let kind else { continue }
            guard ["r", "p"].contains(kind) else { throw moved(name) }
            tables.append(Table(sql: name, source: try row.string("source"), isMade: try row.bool("made")))
        }
        for table in tables { try await connection.execute("LOCK TABLE \(table.sql) IN ACCESS EXCLUSIVE MODE") }
        return tables
    }

    /// Tables that were there before, with rows of the import; refuses where one of all has other rows.
    private static func filled(_ journal: ImportJournal, _ connection: Connection) async throws -> [String] {
        let loaded = try await journal.loaded()
        var filled: [String] = []
        for table in try await tables(journal, connection) {
            let own = loaded[table.source]?.loaded ?? 0
            // Rows that were there before the import's first step are still there.
            if !table.isMade, own == 0 { continue }
            let count = try await connection.query(
                """
                SELECT count(*) AS rows, count(*) FILTER (WHERE age(t.xmin) < age(i.settled)) AS later
                FROM \(table.sql) AS t, (SELECT settled FROM strata.imports WHERE id = $1) AS i
                """, [.int(journal.id)]
            ).only()
            let (rows, later) = (try count.int("rows"), try count.int("later"))
            if rows != own, rows != 0 {
                throw written(table.sql, "has \(counted(rows, "row")), and the import loaded \(grouped(own))")
            }
            if later > 0 { throw written(table.sql, "was changed after the import, in \(counted(later, "row"))") }
            if !table.isMade { filled.append(table.sql) }
        }
        return filled
    }
}
