package import Planning
import PostgresDriver
import SQLSyntax

/// Puts loose keys in the place of foreign keys, in an order in which nothing is lost: first everything that happens to the
/// parents is written down, then every row is looked at, and only where no orphan is found the real keys go. Stopped at any
/// point, it goes on from there.
package struct LooseKeyReplacement: Sendable {
    let databases: LooseKeyDatabases
    let options: RunOptions
    let report: @Sendable (LooseKeyEvent) -> Void
    private static let resume = "strata split keys replace"

    package init(
        _ databases: LooseKeyDatabases, options: RunOptions = RunOptions(),
        report: @escaping @Sendable (LooseKeyEvent) -> Void = { _ in }
    ) {
        (self.databases, self.options, self.report) = (databases, options, report)
    }

    /// - Returns: the names of those that it replaced now; the others were before.
    package func replace(_ keys: [LooseKey]) async throws -> [String] {
        var homes: [String: LooseKeyDatabases.Place] = [:]
        var prepared: Set<String> = []
        for key in keys { homes[key.name] = try await install(key, &prepared) }
        var pending: [LooseKeyRecord] = []
        var orphans: [Diagnostic] = []
        for key in keys {
            guard let home = homes[key.name] else { continue }
            let store = LooseKeyStore(try await databases.connection(to: home.database))
            guard let record = try await store.record(key.name), record.state != .loose else { continue }
            pending.append(record)
            // As long as the real key stands, none can come.
            if record.scannedAt != nil, record.orphans == 0, record.key.constraint != nil { continue }
            let scan = OrphanScan(databases: databases, report: report)
            let found = try await scan.run(record, home: home)
            if found.orphans > 0 { orphans.append(Self.refused(record, found.orphans, of: found.rows)) }
        }
        guard orphans.isEmpty else {
            var failure = EngineFailure(.failed)
            failure.diagnostics = orphans
            throw failure
        }
        for record in pending {
            guard let home = homes[record.key.name] else { continue }
            try await drop(record, home)
            report(.replaced(record.key))
        }
        return pending.map(\.key.name)
    }

    private func install(_ key: LooseKey, _ prepared: inout Set<String>) async throws -> LooseKeyDatabases.Place {
        let home = try await databases.place(of: key.parent)
        let child = try await databases.place(of: key.child)
        let connection = try await databases.connection(to: home.database)
        let store = LooseKeyStore(connection)
        if prepared.insert(home.database).inserted { try await store.prepare() }
        var standing = key
        var definition: String?
        if home.database == child.database, let name = key.constraint {
            definition = try await connection.definition(ofConstraint: name, on: child.oid)?.definition
        }
        if definition == nil { standing.constraint = nil }
        try await store.save(standing, definition: definition)
        try await LooseKeyInstaller(connection, options: options, report: report)
            .installTriggers(key, resume: Self.resume)
        report(.installed(key))
        return home
    }

    /// The real key's end and the new state are one transaction.
    private func drop(_ record: LooseKeyRecord, _ home: LooseKeyDatabases.Place) async throws {
        let key = record.key
        let connection = try await databases.connection(to: home.database)
        guard let name = key.constraint, record.definition != nil else {
            return try await LooseKeyStore(connection).setState(.loose, of: key.name)
        }
        let child = try await databases.place(of: key.child)
        let installer = LooseKeyInstaller(connection, options: options, report: report)
        let expected = installer.expected(key, isPartitioned: home.isPartitioned)
        try await LockPatience(options: options, report: report).run(
            [
                "ALTER TABLE \(key.child.sql) DROP CONSTRAINT IF EXISTS \(SQL.identifier(name))",
                "SELECT strata.expect_loose_recording(\(home.oid), \(SQL.literal(LooseKeyTriggers(key).start)), \(expected))",
                "UPDATE strata.loose_keys SET state = 'loose', loose_at = clock_timestamp() WHERE name = \(SQL.literal(key.name))",
            ], locks: [child.oid, home.oid], what: "constraint \(name) of \(key.child)", resume: Self.resume,
            on: connection)
    }

    /// How many there are, never what they are: keys are somebody's data.
    private static func refused(_ record: LooseKeyRecord, _ orphans: Int, of rows: Int) -> Diagnostic {
        let key = record.key
        let what = key.constraint.map { "constraint \($0) of \(key.child)" } ?? key.name
        return Diagnostic(
            .error, "orphans",
            "\(what): of \(counted(rows, "row")) \(grouped(orphans)) point to rows of \(key.parent) that are not there; nothing was replaced",
            object: "table \(key.child)",
            nextStep: "look at them, correct or delete them, and replace again: " + OrphanStatements.example(key))
    }
}

extension Connection {
    /// With every name qualified, and without NOT VALID.
    func definition(ofConstraint name: String, on table: OID) async throws -> (definition: String, isValid: Bool)? {
        try await transaction { connection in
            try await connection.execute("SET LOCAL search_path = pg_catalog")
            return try await connection.query(
                """
                SELECT pg_get_constraintdef(oid) AS definition, convalidated FROM pg_constraint
                 WHERE conrelid = $1 AND conname = $2 AND contype = 'f'
                """, [.oid(table), .text(name)]
            ).first.map { row in
                let text = try row.string("definition")
                let suffix = " NOT VALID"
                return (
                    text.hasSuffix(suffix) ? String(text.dropLast(suffix.count)) : text, try row.bool("convalidated")
                )
            }
        }
    }
}
