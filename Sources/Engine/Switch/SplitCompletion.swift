package import Planning
package import PostgresDriver
import SQLSyntax

/// The end of a split: the schema stays on the other database, and what is left of it on the first is put aside under
/// another name, until it is dropped.
package struct SplitCompletion: Sendable {
    package struct Report: Sendable, Equatable, Codable {
        package var schema: String
        package var database: String
        /// What the old schema is called now.
        package var parked: String
        /// Views of the old names that went: their names are led to the other database.
        package var views: [String]
    }

    let schema: String
    let mainDatabase: String
    let source: ConnectionSettings
    let target: ConnectionSettings

    package init(_ schema: String, mainDatabase: String, source: ConnectionSettings, target: ConnectionSettings) {
        self.schema = schema
        self.mainDatabase = mainDatabase
        self.source = source
        self.target = target
    }

    /// What a parked schema is called; PostgreSQL's names have 63 bytes at most.
    package static func parkedName(_ schema: String) -> String {
        var name = "\(Catalog.parkedPrefix)\(schema)"
        while name.utf8.count > 63 { name.removeLast() }
        return name
    }

    /// Killed at any point, the next call goes on.
    package func run() async throws -> Report {
        try await SplitSite.exclusively(source, target) { site in try await run(site) }
    }

    private func run(_ site: SplitSite) async throws -> Report {
        let ledger = SplitLedger(site.source)
        guard var record = try await ledger.open(schema), record.isSwitched else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "nothing-to-complete", "schema \(schema) has not been switched to another database",
                    nextStep: "strata split status shows what is under way"))
        }
        guard record.target == (try await TargetSite.identity(of: site.target)) else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "other-target",
                    "schema \(schema) went to another database than the layout's \(record.database) leads to now",
                    nextStep: "let the layout lead there again"))
        }
        if record.state != .completing {
            record = try await SwitchSettlement(site: site, mainName: mainDatabase).settle(record)
            try await ledger.setState(.completing, of: record.id)
        }
        try await SwitchSite(site, record, mainName: mainDatabase).streams(record, .back).remove()
        for generation in record.backGenerations { try await ledger.removeStream(generation, of: record.id) }
        let views = try await park(site.source)
        try await DefinitionGuard(site.target).clear(schema)
        try await CarriedDefinitions(record).drop(site.target)
        try await leaveTarget(site.target)
        try await RouteStore(site.source).settle(schema)
        try await ledger.setState(.completed, of: record.id)
        try await DefinitionGuard(site.source).clear(schema)
        try await CarriedDefinitions(record).drop(site.source)
        return Report(
            schema: schema, database: record.database, parked: Self.parkedName(schema), views: views)
    }

    /// In one transaction, in which nobody waits for long.
    private func park(_ connection: Connection) async throws -> [String] {
        let present = try await connection.query(
            "SELECT count(*) AS n FROM pg_namespace WHERE nspname = $1", [.text(schema)]
        ).only().int("n")
        guard present > 0 else { return [] }
        let views = try await connection.query(Self.viewsQuery, [.text(schema)])
        let drops = try views.map {
            "DROP \(try $0.string("kind") == "m" ? "MATERIALIZED VIEW" : "VIEW") \(try $0.string("name"));"
        }
        let parked = SQL.identifier(Self.parkedName(schema))
        let end = ContinuousClock.now + .seconds(60)
        while true {
            do {
                try await connection.execute(
                    """
                    BEGIN; SET LOCAL lock_timeout = '250ms';
                    \(drops.joined(separator: "\n"))
                    ALTER SCHEMA \(SQL.identifier(schema)) RENAME TO \(parked);
                    DELETE FROM strata.write_guards WHERE schema = \(SQL.literal(schema));
                    COMMIT
                    """)
                return try views.map { try $0.string("name") }
            } catch let error as PostgresError where error.isLockTimeout && ContinuousClock.now < end {
                _ = try? await connection.executeShielded("ROLLBACK")
                try await Task.sleep(for: .milliseconds(100))
            } catch {
                _ = try? await connection.executeShielded("ROLLBACK")
                throw error
            }
        }
    }

    /// Views of other schemas over the schema's tables, those that need others first.
    private static let viewsQuery = """
        WITH RECURSIVE uses (oid, depth) AS (
            SELECT DISTINCT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
              JOIN pg_class c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND r.ev_class <> c.oid
            UNION
            SELECT r.ev_class, u.depth + 1 FROM uses u JOIN pg_depend d ON d.refobjid = u.oid AND d.refclassid = 'pg_class'::regclass
              JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
             WHERE r.ev_class <> u.oid AND u.depth < 100
        )
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.relkind::text AS kind
          FROM (SELECT oid, max(depth) AS depth FROM uses GROUP BY oid) u JOIN pg_class c ON c.oid = u.oid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname <> $1 AND c.relkind IN ('v', 'm') ORDER BY u.depth DESC, 1
        """

    private func leaveTarget(_ connection: Connection) async throws {
        let guardian = WriteGuard(schema, connection)
        try await guardian.prepare()
        try await guardian.uninstall()
        let isMarked = try await connection.query("SELECT to_regclass('strata.incoming') IS NOT NULL AS present").only()
            .bool("present")
        if isMarked {
            _ = try await connection.query("DELETE FROM strata.incoming WHERE schema = $1", [.text(schema)])
        }
        try await guardian.remove()
    }

    // MARK: Later

    /// Drops what was put aside.
    /// - Returns: the bytes that it had.
    package static func drop(_ schema: String, _ connection: Connection) async throws -> Int {
        let name = parkedName(schema)
        let completed =
            try await SplitLedger(connection).exists()
            ? try await connection.query(
                "SELECT count(*) AS n FROM strata.splits WHERE schema = $1 AND state = 'completed'", [.text(schema)]
            ).only().int("n") : 0
        let row = try await connection.query(
            """
            SELECT count(*) AS present, coalesce(sum((SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
                    WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'm'))), 0)::bigint AS bytes
              FROM pg_namespace n WHERE nspname = $1
            """, [.text(name)]
        ).only()
        guard completed > 0, try row.int("present") > 0 else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "nothing-parked", "there is no parked schema \(name) of a split that is complete",
                    nextStep: "strata complete \(schema) puts it aside first"))
        }
        try await connection.execute(
            "BEGIN; SET LOCAL lock_timeout = '5s'; DROP SCHEMA \(SQL.identifier(name)) CASCADE; COMMIT")
        return try row.int("bytes")
    }
}
