import PostgresDriver
import SQLSyntax

/// The event triggers that refuse DDL on schemas which are split off, or have it carried to the other database.
struct DefinitionGuard {
    enum Mode: Equatable {
        case refuse
        /// Through this table, which is replicated along with the rows.
        case carry(queue: String)
    }

    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// Only a superuser may: without one the split goes on, and says what nobody looks after.
    func prepare(_ note: (String) -> Void = { _ in }) async throws {
        do {
            try await connection.execute("BEGIN;\n\(DefinitionGuardSchema.objects)\nCOMMIT")
            for (name, event) in DefinitionGuardSchema.triggers.sorted(by: { $0.key < $1.key }) {
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

    /// Waits for transactions with DDL that has passed under what was said before.
    /// - Parameters:
    ///   - reason: after "is refused:".
    ///   - hint: what to do instead.
    func set(_ schema: String, _ mode: Mode, reason: String, hint: String) async throws {
        guard try await isPresent() else { return }
        let (name, queue): (String, String?) =
            switch mode {
            case .refuse: ("refuse", nil)
            case .carry(let queue): ("carry", queue)
            }
        _ = try await connection.query(
            """
            INSERT INTO strata.definition_guards VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (schema) DO UPDATE SET mode = $2, queue = $3, reason = $4, hint = $5
            """, [.text(schema), .text(name), queue.map { .text($0) } ?? .null, .text(reason), .text(hint)])
    }

    /// DDL is free again, and where nobody needs them the triggers go.
    func clear(_ schema: String) async throws {
        guard try await isPresent() else { return }
        _ = try await connection.query("DELETE FROM strata.definition_guards WHERE schema = $1", [.text(schema)])
        guard try await connection.query("SELECT count(*) AS n FROM strata.definition_guards").only().int("n") == 0
        else { return }
        for name in DefinitionGuardSchema.triggers.keys.sorted() {
            try await connection.execute("DROP EVENT TRIGGER IF EXISTS \(name)")
        }
        try await connection.execute(DefinitionGuardSchema.drops)
    }

    /// What holds where a followed schema lives.
    /// - Parameter home: the database that has it, where this guard is.
    /// - Returns: whether DDL is carried.
    func follow(_ record: SplitRecord, at home: Connection, main: String) async throws -> Bool {
        let carried = CarriedDefinitions(record)
        let words = Self.words(of: record, main: main).home
        let isCarried = try await carried.isStreamed(record.isSwitched ? .back : .out, from: home)
        try await set(
            record.schema, isCarried ? .carry(queue: carried.table) : .refuse, reason: words.0, hint: words.1)
        guard isCarried else { return false }
        return try await isPresent()
    }

    private func isPresent() async throws -> Bool {
        try await connection.query("SELECT to_regclass('strata.definition_guards') IS NOT NULL AS present").only()
            .bool("present")
    }
}

extension DefinitionGuard {
    /// What is said of DDL where the schema is now, and where it is not any more.
    static func words(of record: SplitRecord, main: String) -> (home: (String, String), away: (String, String)) {
        let name = record.schema
        guard record.isSwitched else {
            let home = (
                "schema \(name) is being copied to another database",
                "Wait for the switch and change it there after strata complete \(name), or: strata split cancel \(name)"
            )
            return (home, home)
        }
        return (
            (
                "the way back of schema \(name) to database \(main) is open",
                "strata complete \(name) closes it; then definitions are free"
            ),
            (
                "schema \(name) lives on database \(record.database) now",
                "Change it there, after strata complete \(name)."
            )
        )
    }
}
