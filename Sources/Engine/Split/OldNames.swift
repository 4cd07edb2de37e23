package import Planning
package import PostgresDriver
import SQLSyntax

/// The old names of a schema's objects on the database that the schema goes to: the views, functions and domains that
/// `apply` left where the objects were before. The proxy leads statements with an old name to where its object is, and
/// finds the name there.
///
/// Each is made in a transaction of its own together with the note that it is ours, so that it may be cut off at any point
/// and called again: what is there as it should be stays, what has changed at the source is made anew.
package struct OldNames: Sendable {
    let source: Connection
    let target: Connection
    /// As the layout names the target, for messages.
    let database: String

    /// - Parameters:
    ///   - source: where the schema is; idle.
    ///   - target: where it goes; idle. Its objects have to be there already.
    package init(source: Connection, target: Connection, database: String) {
        self.source = source
        self.target = target
        self.database = database
    }

    /// What was made, and what was found in use when it was to be removed.
    package struct Removal: Sendable, Equatable {
        package var removed: [String] = []
        package var kept: [String] = []
    }

    private static let table = """
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.old_names (
            moved text NOT NULL,
            kind text NOT NULL,
            name text NOT NULL,
            definition text NOT NULL DEFAULT '',
            made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (kind, name)
        );
        """

    // MARK: Making

    /// - Returns: the names of all old names of the schema that are there now, as `view public.orders`.
    /// - Throws: `EngineFailure` where a name is taken, or its owner is not there; `PostgresError`.
    @discardableResult
    package func carry(schema: String) async throws -> [String] {
        let roles = Set(try await target.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        let wanted = OldNameDefinitions(of: schema, try await CatalogReader.read(source), roles: roles)
        guard !wanted.items.isEmpty else {
            // Those that were given up since.
            _ = try await removeAll(of: schema, but: [])
            return []
        }
        try await target.execute("BEGIN; SET LOCAL client_min_messages = warning;\n\(Self.table)\nCOMMIT")
        let missing = Set((wanted.items.map(\.owner) + wanted.homes.values.map(\.owner)).filter { !roles.contains($0) })
        guard missing.isEmpty else { throw noOwner(missing.sorted(), schema) }
        for home in wanted.homes.values.sorted(by: { $0.name < $1.name }) { try await make(home, for: schema) }
        for item in wanted.items { try await make(item, for: schema) }
        let names = Set(wanted.items.map { "\($0.kind.rawValue) \($0.name)" })
        _ = try await removeAll(of: schema, but: names)
        return wanted.items.filter { !$0.isSupport }.map { "\($0.kind.rawValue) \($0.name)" }
    }

    private func make(_ home: OldNameDefinitions.Home, for schema: String) async throws {
        let present =
            try await target.query(
                "SELECT to_regnamespace($1) IS NOT NULL AS present", [.text(SQL.identifier(home.name))]
            )
            .only().bool("present")
        guard !present else { return }
        try await transaction(home.statements + [Self.note(schema, "schema", SQL.identifier(home.name), "")])
    }

    private func make(_ item: OldNameDefinitions.Item, for schema: String) async throws {
        let definition = Crossing.fingerprint(of: item.statements.joined(separator: ";\n"))
        let row = try await target.query(
            """
            SELECT \(item.kind.lookup)($2) IS NOT NULL AS present,
                   (SELECT definition FROM strata.old_names WHERE kind = $1 AND name = $2) AS known
            """, [.text(item.kind.rawValue), .text(item.name)]
        ).only()
        let known = try row.optionalString("known")
        var statements: [String] = []
        if try row.bool("present") {
            // As it should be, or somebody else's that a trigger finds just as well.
            if known == definition || known == nil && item.isSupport { return }
            guard known != nil else { throw taken(item) }
            statements.append("DROP \(item.kind.keyword) \(item.name)")
        }
        statements += item.statements
        statements.append(Self.note(schema, item.kind.rawValue, item.name, definition))
        try await transaction(statements)
    }

    private static func note(_ schema: String, _ kind: String, _ name: String, _ definition: String) -> String {
        """
        INSERT INTO strata.old_names (moved, kind, name, definition)
        VALUES (\(SQL.literal(schema)), \(SQL.literal(kind)), \(SQL.literal(name)), \(SQL.literal(definition)))
        ON CONFLICT (kind, name) DO UPDATE SET moved = excluded.moved, definition = excluded.definition, made_at = clock_timestamp()
        """
    }

    private func transaction(_ statements: [String]) async throws {
        let start = [
            "BEGIN", "SET LOCAL client_min_messages = warning", "SET LOCAL lock_timeout = '10s'",
            "SET LOCAL check_function_bodies = off", "SET LOCAL search_path = pg_catalog",
        ]
        do {
            try await target.execute((start + statements + ["COMMIT"]).joined(separator: ";\n"))
        } catch {
            _ = try? await target.executeShielded("ROLLBACK")
            throw error
        }
    }

    // MARK: The way back

    /// - Returns: what was removed, and what somebody uses by now: it stays, and is noted no longer.
    @discardableResult
    package func remove(schema: String) async throws -> Removal {
        let removal = try await removeAll(of: schema, but: [])
        guard try await isPrepared() else { return removal }
        // Nothing of ours is left where there was nothing before.
        if try await target.query("SELECT count(*) AS n FROM strata.old_names").only().int("n") == 0 {
            try await target.execute("DROP TABLE strata.old_names")
            try await BareSchema.drop(target)
        }
        return removal
    }

    private func isPrepared() async throws -> Bool {
        try await target.query("SELECT to_regclass('strata.old_names') IS NOT NULL AS present").only().bool("present")
    }

    /// - Parameter names: `kind name` of those that stay, and the schemas that hold them.
    private func removeAll(of schema: String, but names: Set<String>) async throws -> Removal {
        var removal = Removal()
        guard try await isPrepared() else { return removal }
        let noted = try await target.query(
            "SELECT kind, name FROM strata.old_names WHERE moved = $1 ORDER BY kind = 'schema', made_at DESC, name DESC",
            [.text(schema)]
        ).map { (kind: try $0.string("kind"), name: try $0.string("name")) }
        for (kind, name) in noted where !names.contains("\(kind) \(name)") {
            if kind == "schema", !names.isEmpty { continue }
            if kind == "schema", try await handOver(name, of: schema) { continue }
            let forget =
                "DELETE FROM strata.old_names WHERE kind = \(SQL.literal(kind)) AND name = \(SQL.literal(name))"
            do {
                try await transaction(["DROP \(kind.uppercased()) IF EXISTS \(name)", forget])
                removal.removed.append("\(kind) \(name)")
            } catch let error as PostgresError where error.sqlState == .dependentObjectsExist {
                try await transaction([forget])
                removal.kept.append("\(kind) \(name)")
            }
        }
        return removal
    }

    /// A schema that was made for this one's old names may hold those of another one as well: they keep it.
    private func handOver(_ home: String, of schema: String) async throws -> Bool {
        try await target.query(
            """
            UPDATE strata.old_names s SET moved = o.moved FROM strata.old_names o
             WHERE s.kind = 'schema' AND s.name = $1 AND o.kind <> 'schema' AND o.moved <> $2
               AND starts_with(o.name, $1 || '.') RETURNING s.name
            """, [.text(home), .text(schema)]
        ).count > 0
    }

    // MARK: Failures

    private func taken(_ item: OldNameDefinitions.Item) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "old-name-taken",
                "database \(database) has something under the old name \(item.name) already, and it is not Strata's",
                object: item.name, nextStep: "drop or rename it there, then call this again"))
    }

    private func noOwner(_ roles: [String], _ schema: String) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "no-owner",
                "database \(database) has no role \(roles.joined(separator: ", ")), which owns old names of schema \(schema)",
                nextStep: "create it there (CREATE ROLE), or give the views another owner, then call this again"))
    }
}

/// Schema `strata` of a database where nothing of it is needed any more.
enum BareSchema {
    static func drop(_ connection: Connection) async throws {
        let isBare = try await connection.query(
            """
            SELECT to_regnamespace('strata') IS NOT NULL
               AND NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('strata')::oid)
               AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = to_regnamespace('strata')::oid) AS bare
            """
        ).only().bool("bare")
        if isBare { try await connection.execute("DROP SCHEMA strata") }
    }
}
