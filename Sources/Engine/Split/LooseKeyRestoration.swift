package import Planning
import PostgresDriver
import SQLSyntax

/// Makes the real keys again and takes the loose ones away; the way back of `LooseKeyReplacement`, and resumable like it.
package struct LooseKeyRestoration: Sendable {
    let databases: LooseKeyDatabases
    let options: RunOptions
    let report: @Sendable (LooseKeyEvent) -> Void
    private static let resume = "strata split keys restore"

    package init(
        _ databases: LooseKeyDatabases, options: RunOptions = RunOptions(),
        report: @escaping @Sendable (LooseKeyEvent) -> Void = { _ in }
    ) {
        (self.databases, self.options, self.report) = (databases, options, report)
    }

    /// The keys with one end in the schema, or all: what `restore` would take.
    package func candidates(of schema: String?) async throws -> [LooseKeyRecord] {
        try await LooseKeyStatus.read(databases).keys.map(\.record).filter { record in
            schema.map { [record.key.parent.schema, record.key.child.schema].contains($0) } ?? true
        }
    }

    package func restore(_ records: [LooseKeyRecord]) async throws {
        for record in records {
            try await restore(record)
            report(.restored(record.key))
        }
    }

    private func restore(_ record: LooseKeyRecord) async throws {
        let key = record.key
        let home = try await databases.place(of: key.parent)
        let connection = try await databases.connection(to: home.database)
        if let name = key.constraint, let definition = record.definition {
            let child = try await databases.place(of: key.child)
            guard child.database == home.database else { throw Self.apart(key, home, child) }
            // What is written down has to be done first: it would stand in the key's way.
            try await LooseKeyWorker(databases).drain(key)
            try await LooseKeyStore(connection).setState(.restoring, of: key.name)
            try await add(name, definition, key, home: home, child: child, on: connection)
            try await LooseKeyWorker(databases).drain(key)
            try await validate(name, key, child, on: connection)
        }
        try await forget(key, home, on: connection)
    }

    /// Without looking at the rows, which takes no longer than a lock does. A partitioned table cannot wait with that before
    /// PostgreSQL 18.
    private func add(
        _ name: String, _ definition: String, _ key: LooseKey, home: LooseKeyDatabases.Place,
        child: LooseKeyDatabases.Place, on connection: Connection
    ) async throws {
        guard try await connection.definition(ofConstraint: name, on: child.oid) == nil else { return }
        let later = child.isPartitioned ? "" : " NOT VALID"
        do {
            try await LockPatience(options: options, report: report).run(
                ["ALTER TABLE \(key.child.sql) ADD CONSTRAINT \(SQL.identifier(name)) \(definition)\(later)"],
                locks: [child.oid, home.oid], what: "constraint \(name) of \(key.child)", resume: Self.resume,
                on: connection)
        } catch let error as PostgresError where error.sqlState == .foreignKeyViolation {
            throw Self.orphans(name, key)
        }
    }

    private func validate(
        _ name: String, _ key: LooseKey, _ child: LooseKeyDatabases.Place, on connection: Connection
    ) async throws {
        guard try await connection.definition(ofConstraint: name, on: child.oid)?.isValid == false else { return }
        report(.validating(key))
        do {
            try await LockPatience(options: options, report: report).run(
                ["ALTER TABLE \(key.child.sql) VALIDATE CONSTRAINT \(SQL.identifier(name))"], locks: [],
                what: "constraint \(name) of \(key.child)", resume: Self.resume, on: connection)
        } catch let error as PostgresError where error.sqlState == .foreignKeyViolation {
            throw Self.orphans(name, key)
        }
    }

    /// Other databases first: a worker takes a key that it finds there to its parent's home.
    private func forget(_ key: LooseKey, _ home: LooseKeyDatabases.Place, on connection: Connection) async throws {
        for name in databases.names where name != home.database {
            guard let other = try? await databases.connection(to: name) else { continue }
            let dropping = try await LooseKeyInstaller(other).dropping(key)
            if !dropping.isEmpty {
                try await LockPatience(options: options, report: report).run(
                    dropping, locks: [], what: "triggers of \(key.name)", resume: Self.resume, on: other)
            }
            try await LooseKeyStore(other).forget(key.name)
        }
        let name = SQL.literal(key.name)
        try await LockPatience(options: options, report: report).run(
            try await LooseKeyInstaller(connection).dropping(key) + [
                "DELETE FROM strata.loose_key_queue WHERE key = \(name)",
                "DELETE FROM strata.loose_keys WHERE name = \(name)",
            ], locks: [home.oid], what: "triggers on \(key.parent)", resume: Self.resume, on: connection)
    }

    private static func apart(
        _ key: LooseKey, _ home: LooseKeyDatabases.Place, _ child: LooseKeyDatabases.Place
    ) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "two-databases",
                "\(key.child) is in database \(child.database) and \(key.parent) in \(home.database): no foreign key reaches that far",
                object: "table \(key.child)",
                nextStep: "bring them into one database first; the loose key goes on until then"))
    }

    private static func orphans(_ name: String, _ key: LooseKey) -> EngineFailure {
        EngineFailure(
            .resumable,
            Diagnostic(
                .error, "orphans",
                "constraint \(name) of \(key.child) cannot be made valid: rows point to rows of \(key.parent) that are not there",
                object: "table \(key.child)",
                nextStep: "look at them, correct or delete them, and restore again: " + OrphanStatements.example(key)))
    }
}
