package import Planning
package import PostgresDriver

/// Makes what writes down what happens to a parent: tables, functions and triggers, in the database where it is. What is
/// there already stays, so that nothing has to be locked for it again.
package struct LooseKeyInstaller: Sendable {
    let connection: Connection
    let patience: LockPatience

    package init(
        _ connection: Connection, options: RunOptions = RunOptions(),
        report: @escaping @Sendable (LooseKeyEvent) -> Void = { _ in }
    ) {
        self.connection = connection
        patience = LockPatience(options: options, report: report)
    }

    /// For the new home of a parent, before anybody writes there: the keys whose parents are in the schema, with their
    /// triggers, as another database has them.
    /// - Returns: the names of the keys.
    @discardableResult
    package func carry(schema: String, from source: Connection) async throws -> [String] {
        let records = try await LooseKeyStore(source).keys().filter { $0.key.parent.schema == schema }
        guard !records.isEmpty else { return [] }
        let store = LooseKeyStore(connection)
        try await store.prepare()
        for record in records {
            try await store.adopt(record)
            try await installTriggers(record.key, resume: "the same command")
        }
        return records.map(\.key.name)
    }

    /// The triggers that are missing. A table that is not there has none.
    func installTriggers(_ key: LooseKey, resume: String) async throws {
        guard let root = try await root(key) else { return }
        let wanted = LooseKeyTriggers(key).all(
            isPartitioned: root.isPartitioned, partitions: try await partitions(of: root.oid))
        let present = try await present(key)
        for trigger in wanted {
            let statements: [String]
            switch present[Slot(table: trigger.table, name: trigger.name)] {
            case trigger.enabled: continue
            // Somebody disabled it, or a restore made it without its role: made anew, for that sets all of it.
            case .some: statements = [trigger.drop] + trigger.statements
            case nil: statements = trigger.statements
            }
            do {
                try await patience.run(
                    statements, locks: [root.oid], what: "trigger on \(trigger.table)", resume: resume, on: connection)
            } catch let error as PostgresError where error.sqlState == .duplicateObject {
                // A worker was faster.
            }
        }
        // What was declared before and is not any more.
        let kept = Set(wanted.map { Slot(table: $0.table, name: $0.name) })
        for slot in present.keys where !kept.contains(slot) {
            try await patience.run(
                [slot.drop], locks: [root.oid], what: "trigger on \(slot.table)", resume: resume, on: connection)
        }
    }

    /// Statements that take all triggers of the key away.
    func dropping(_ key: LooseKey) async throws -> [String] { try await present(key).keys.map(\.drop).sorted() }

    /// How many triggers the parent itself has to have.
    func expected(_ key: LooseKey, isPartitioned: Bool) -> Int {
        LooseKeyTriggers(key).all(isPartitioned: isPartitioned, partitions: []).count
    }

    private struct Slot: Hashable {
        var table: LooseKey.Table
        var name: String
        var drop: String { "DROP TRIGGER IF EXISTS \(name) ON \(table.sql)" }
    }

    private func root(_ key: LooseKey) async throws -> (oid: OID, isPartitioned: Bool)? {
        try await connection.query(
            """
            SELECT c.oid, c.relkind = 'p' AS partitioned FROM pg_catalog.pg_class AS c
              JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')
            """, [.text(key.parent.schema), .text(key.parent.name)]
        ).first.map { (try $0.uint32("oid"), try $0.bool("partitioned")) }
    }

    private func partitions(of root: OID) async throws -> [LooseKey.Table] {
        try await connection.query(
            """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_partition_tree($1::oid::regclass) AS t
              JOIN pg_catalog.pg_class AS c ON c.oid = t.relid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE t.level > 0 AND c.relkind IN ('r', 'p') ORDER BY 1, 2
            """, [.oid(root)]
        ).map { LooseKey.Table(try $0.string("nspname"), try $0.string("relname")) }
    }

    /// By table and name, how each is enabled; those that PostgreSQL makes for partitions follow their own.
    private func present(_ key: LooseKey) async throws -> [Slot: String] {
        var found: [Slot: String] = [:]
        for row in try await connection.query(
            """
            SELECT n.nspname, c.relname, t.tgname, t.tgenabled FROM pg_catalog.pg_trigger AS t
              JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE t.tgparentid = 0 AND NOT t.tgisinternal AND starts_with(t.tgname, $1)
            """, [.text(LooseKeyTriggers(key).start)])
        {
            let table = LooseKey.Table(try row.string("nspname"), try row.string("relname"))
            found[Slot(table: table, name: try row.string("tgname"))] = try row.string("tgenabled")
        }
        return found
    }
}
