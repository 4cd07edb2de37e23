import PostgresDriver

/// The event triggers that refuse DDL on a schema which is being copied.
struct DefinitionGuard {
    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// Only a superuser may: without one the split goes on, and says what nobody looks after.
    func add(_ note: (String) -> Void) async throws {
        do {
            try await connection.execute("BEGIN;\n\(SplitRecordSchema.definitionGuard)\nCOMMIT")
            for (name, event) in SplitRecordSchema.definitionTriggers.sorted(by: { $0.key < $1.key }) {
                let present =
                    try await connection.query(
                        "SELECT count(*) AS n FROM pg_event_trigger WHERE evtname = $1", [.text(name)]
                    ).only().int("n") > 0
                guard !present else { continue }
                try await connection.execute(
                    "CREATE EVENT TRIGGER \(name) ON \(event) EXECUTE FUNCTION strata.refuse_definition()")
            }
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            _ = try? await connection.executeShielded("ROLLBACK")
            note(
                "this role may not create event triggers: nothing refuses DDL on the schema while it is copied; "
                    + "the split notices it and stops")
        }
    }

    /// Once no split needs it.
    func removeIfUnused() async throws {
        let busy =
            try await connection.query(
                "SELECT count(*) AS n FROM strata.splits WHERE state NOT IN ('completing', 'completed', 'cancelling', 'cancelled')"
            ).only().int("n") > 0
        guard !busy else { return }
        for name in SplitRecordSchema.definitionTriggers.keys.sorted() {
            try await connection.execute("DROP EVENT TRIGGER IF EXISTS \(name)")
        }
        try await connection.execute("DROP FUNCTION IF EXISTS strata.refuse_definition()")
    }
}
