import Planning
import PostgresDriver
import SQLSyntax

/// What stands under the name of an index that is to be built: nothing, or the index that is wanted, or another one.
struct IndexInspector {
    enum State { case valid, invalid, absent }

    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// Throws a diagnostic where the name belongs to something else: neither taken for ours nor dropped.
    func state(of pin: IndexPin, step: Step) async throws -> State {
        let rows = try await connection.query(
            """
            SELECT i.indisvalid AND i.indisready AS valid, i.indrelid, i.indisunique, pg_get_indexdef(c.oid) AS definition
              FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
             WHERE n.nspname = $1 AND c.relname = $2
            """, [.text(pin.schema), .text(pin.name)])
        guard let row = rows.first else { return .absent }
        guard let table = try row.optionalUInt32("indrelid"), let lock = step.locks.first, table == lock.oid,
            let found = try row.optionalString("definition")
        else { throw taken(step, by: "something else") }
        let wanted = try await wanted(pin, step, on: lock.object)
        guard wanted == Self.body(found), try row.bool("indisunique") == isUnique(step) else {
            throw taken(step, by: found)
        }
        return try row.bool("valid") ? .valid : .invalid
    }

    private func isUnique(_ step: Step) -> Bool { step.statements.first?.hasPrefix("CREATE UNIQUE ") ?? false }

    /// As PostgreSQL itself prints the definition: the same index on an empty table of the same columns, rolled back.
    private func wanted(_ pin: IndexPin, _ step: Step, on table: String) async throws -> String {
        let name = SQL.identifier(pin.name)
        let head = "CREATE \(isUnique(step) ? "UNIQUE " : "")INDEX CONCURRENTLY \(name) ON \(table) "
        guard let statement = step.statements.first, statement.hasPrefix(head) else {
            throw taken(step, by: "an index that cannot be compared with what is wanted")
        }
        let body = statement.dropFirst(head.count)
        return try await connection.rolledBack(TransactionOptions(isolation: .readCommitted, readOnly: false)) {
            try await $0.execute(
                """
                CREATE TEMPORARY TABLE strata_index_probe (LIKE \(table));
                CREATE INDEX strata_index_probe_idx ON pg_temp.strata_index_probe \(body)
                """)
            return Self.body(
                try await $0.query("SELECT pg_get_indexdef('pg_temp.strata_index_probe_idx'::regclass) AS definition")
                    .only().string("definition"))
        }
    }

    /// From the method on: what comes before are the names.
    private static func body(_ definition: String) -> String {
        definition.firstRange(of: " USING ").map { String(definition[$0.upperBound...]) } ?? definition
    }

    private func taken(_ step: Step, by what: String) -> EngineFailure {
        EngineFailure(
            .resumable,
            Diagnostic(
                .error, "index-differs",
                "index \(step.object) is to be built, and its name belongs to another one that was made since: \(what)",
                object: step.object,
                nextStep: "rename or drop that one, then go on; strata rollback leaves it alone"))
    }
}
