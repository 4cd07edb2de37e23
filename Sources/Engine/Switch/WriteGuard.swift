import Planning
import PostgresDriver
import SQLSyntax

/// Refuses writes of a schema's tables in the database that does not own it, by a trigger on each: also those of sessions
/// that bypass the proxy, and of any role. What comes by replication passes, for ordinary triggers do not fire for that.
///
/// `strata.write_guards` says until when they refuse. While a switch is made it is a moment that comes by itself: should
/// Strata be killed in between, the application goes on. The trigger locks that row, and so does whoever decides: a
/// statement that was let through and a switch that was decided cannot both be.
struct WriteGuard: Sendable {
    let schema: String
    let connection: Connection

    init(_ schema: String, _ connection: Connection) { (self.schema, self.connection) = (schema, connection) }

    static let trigger = LooseKeyDatabases.guardPrefix + "_write"

    /// No row: writes are refused.
    static let table = """
        CREATE TABLE IF NOT EXISTS strata.write_guards (schema text PRIMARY KEY, until timestamptz NOT NULL);
        """

    private static let function = """
        CREATE OR REPLACE FUNCTION strata.refuse_write() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE closed_until timestamptz;
        BEGIN
            SELECT g.until INTO closed_until FROM strata.write_guards g WHERE g.schema = TG_TABLE_SCHEMA FOR SHARE;
            IF closed_until < clock_timestamp() THEN RETURN NULL; END IF;
            RAISE EXCEPTION '%.% is not written here: schema % belongs to another database', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_TABLE_SCHEMA
                USING ERRCODE = 'read_only_sql_transaction',
                      HINT = 'Connect to the proxy, or to the database that has it now (strata.routes of the main database says which).';
        END
        $function$;
        """

    // MARK: Making

    /// The table and the function. Schema `strata` is there.
    func prepare() async throws {
        try await connection.execute(
            "BEGIN; SET LOCAL client_min_messages = warning;\n\(Self.table)\n\(Self.function)\nCOMMIT")
    }

    /// A trigger on every table, partitions too: a statement's trigger fires for the table that the statement names.
    /// - Parameter enabled: else they wait for ``close(until:whileBusy:)``.
    func install(enabled: Bool = true) async throws {
        for table in try await tables() where !table.hasTrigger {
            let disable = enabled ? "" : "ALTER TABLE ONLY \(table.name) DISABLE TRIGGER \(Self.trigger);"
            try await patiently(
                """
                CREATE TRIGGER \(Self.trigger) BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON \(table.name)
                FOR EACH STATEMENT EXECUTE FUNCTION strata.refuse_write();
                \(disable)
                """)
        }
    }

    /// All that was made, once no schema has it any more.
    func remove() async throws {
        _ = try await connection.query("DELETE FROM strata.write_guards WHERE schema = $1", [.text(schema)])
        guard try await connection.query("SELECT count(*) AS n FROM strata.write_guards").only().int("n") == 0 else {
            return
        }
        let isUsed =
            try await connection.query(
                "SELECT count(*) AS n FROM pg_trigger WHERE tgfoid = to_regprocedure('strata.refuse_write()')"
            ).only().int("n") > 0
        if !isUsed {
            try await connection.execute(
                "DROP TABLE strata.write_guards; DROP FUNCTION IF EXISTS strata.refuse_write()")
        }
    }

    /// The triggers of this schema are dropped.
    func uninstall() async throws {
        for table in try await tables() where table.hasTrigger {
            try await patiently("DROP TRIGGER IF EXISTS \(Self.trigger) ON \(table.name)")
        }
        _ = try await connection.query("DELETE FROM strata.write_guards WHERE schema = $1", [.text(schema)])
    }

    // MARK: Open and closed

    /// Refuses writes for a while, once all transactions have ended that have written: a table's lock is had only then.
    /// Each attempt is shorter than PostgreSQL takes to look for deadlocks: nobody else's transaction is ended for ours.
    /// - Parameters:
    ///   - until: an SQL expression: the moment when writes pass again.
    ///   - holders: called after each attempt that somebody was in the way of.
    /// - Throws: `PostgresError`; `CancellationError` where the task was cancelled.
    func close(until: String, whileBusy holders: @Sendable () async throws -> Void) async throws {
        let names = try await tables().map(\.name)
        let enable = names.map { "ALTER TABLE ONLY \($0) ENABLE TRIGGER \(Self.trigger);" }.joined(separator: "\n")
        while true {
            do {
                try await connection.execute(
                    """
                    BEGIN; SET LOCAL lock_timeout = '250ms';
                    INSERT INTO strata.write_guards VALUES (\(SQL.literal(schema)), \(until))
                    ON CONFLICT (schema) DO UPDATE SET until = excluded.until;
                    \(enable)
                    COMMIT
                    """)
                return
            } catch let error as PostgresError where error.isLockTimeout || error.isRetryable {
                _ = try? await connection.executeShielded("ROLLBACK")
                try await holders()
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// Until further notice.
    func seal() async throws { try await set("infinity") }

    /// Until further notice, if nothing can have been written since it was closed.
    func sealIfClosed() async throws -> Bool {
        try await connection.query(
            """
            UPDATE strata.write_guards SET until = 'infinity' WHERE schema = $1 AND until > clock_timestamp() RETURNING schema
            """, [.text(schema)]
        ).first != nil
    }

    /// Writes pass at once; ``lift()`` takes the triggers out of their way.
    func open() async throws { try await set("-infinity") }

    /// Whoever has written holds the row until its transaction ends, which for a frozen client may be never: what the row says
    /// already is not said again, and otherwise the wait has an end.
    private func set(_ until: String) async throws {
        let isSaid = try await connection.query(
            "SELECT until = $2::text::timestamptz AS same FROM strata.write_guards WHERE schema = $1",
            [.text(schema), .text(until)]
        ).first?.bool("same")
        if isSaid == true { return }
        try await patiently(
            """
            INSERT INTO strata.write_guards VALUES (\(SQL.literal(schema)), '\(until)')
            ON CONFLICT (schema) DO UPDATE SET until = excluded.until
            """)
    }

    /// Triggers cost nothing where they are disabled.
    func lift() async throws {
        for table in try await tables() where table.hasTrigger && table.isEnabled {
            try await patiently("ALTER TABLE ONLY \(table.name) DISABLE TRIGGER \(Self.trigger)")
        }
    }

    /// After ``lift()``, and where somebody has disabled one by hand.
    func enable() async throws {
        for table in try await tables() where table.hasTrigger && !table.isEnabled {
            try await patiently("ALTER TABLE ONLY \(table.name) ENABLE TRIGGER \(Self.trigger)")
        }
    }

    /// In a transaction of its own that waits for the lock only briefly, again and again for up to a minute.
    private func patiently(_ statements: String) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            do {
                try await connection.execute("BEGIN; SET LOCAL lock_timeout = '250ms'; \(statements); COMMIT")
                return
            } catch let error as PostgresError where error.isLockTimeout {
                _ = try? await connection.executeShielded("ROLLBACK")
                guard ContinuousClock.now < end else { throw lockNotFree(error) }
                try await Task.sleep(for: .milliseconds(100))
            } catch {
                _ = try? await connection.executeShielded("ROLLBACK")
                throw error
            }
        }
    }

    private func lockNotFree(_ error: PostgresError) -> EngineFailure {
        EngineFailure(
            .resumable,
            Diagnostic(
                .error, "lock-not-free",
                "the lock for the write guard of schema \(schema) did not come free in 60 s: \(error.message)",
                nextStep: "end the transaction that holds it (pg_stat_activity), then the same command"))
    }

    private struct Table {
        /// As SQL names it.
        var name: String
        var hasTrigger: Bool
        var isEnabled: Bool
    }

    private func tables() async throws -> [Table] {
        try await connection.query(
            """
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, t.oid IS NOT NULL AS present,
                   coalesce(t.tgenabled <> 'D', false) AS enabled
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = $2
             WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY 1
            """, [.text(schema), .text(Self.trigger)]
        ).map {
            Table(name: try $0.string("name"), hasTrigger: try $0.bool("present"), isEnabled: try $0.bool("enabled"))
        }
    }
}
