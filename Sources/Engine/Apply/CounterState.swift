import Planning
import PostgresDriver

/// What pg_stat_statements and the server say of the counters themselves: whether they were kept since a look.
struct CounterState: Sendable {
    /// The extension's schema, quoted; nil where it is not installed.
    var schema: String?
    /// Times at which entries were dropped because there were more than pg_stat_statements.max; nil before 14.
    var evicted: Int?

    static func read(_ connection: Connection) async throws -> CounterState {
        let schema = try await connection.query(
            """
            SELECT quote_ident(n.nspname) AS schema FROM pg_catalog.pg_extension e
              JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'
            """
        ).first?.string("schema")
        var state = CounterState(schema: schema)
        // The view is missing before 14, and where the extension was never updated since.
        if let schema, try await hasInfo(connection, schema) {
            state.evicted = try await connection.query("SELECT dealloc FROM \(schema).pg_stat_statements_info").only()
                .int("dealloc")
        }
        return state
    }

    private static func hasInfo(_ connection: Connection, _ schema: String) async throws -> Bool {
        try await connection.query("SELECT to_regclass($1) IS NOT NULL", [.text("\(schema).pg_stat_statements_info")])
            .only().bool(0)
    }

    /// Why counts of before `moment` (a timestamptz as text) and now do not tell the whole story.
    func doubts(since moment: String, evictedBefore: Int?, connection: Connection) async throws -> [String] {
        guard let schema else { return [] }
        var doubts: [String] = []
        if let evicted {
            if let reset = try await resetMoment(since: moment, schema, connection) {
                doubts.append("pg_stat_statements began to count anew at \(reset)")
            } else if let evictedBefore, evicted > evictedBefore {
                doubts.append(
                    "pg_stat_statements dropped entries \(counted(evicted - evictedBefore, "time")) meanwhile, because "
                        + "there were more than pg_stat_statements.max")
            } else if evictedBefore == nil {
                doubts.append("an earlier Strata looked then, and did not note whether entries are dropped")
            }
        } else {
            doubts.append(
                "this server does not tell whether pg_stat_statements was reset meanwhile (from 14 on it does)")
        }
        if let start = try await restart(since: moment, connection) {
            doubts.append("the server was started at \(start), and pg_stat_statements.save is off")
        }
        let vanished = try await vanished(since: moment, schema, connection)
        if doubts.isEmpty, vanished > 0 {
            doubts.append(
                "\(counted(vanished, "statement")) counted then \(vanished == 1 ? "is" : "are") no longer in "
                    + "pg_stat_statements: reset, or dropped for others")
        }
        return doubts
    }

    private func resetMoment(since moment: String, _ schema: String, _ connection: Connection) async throws -> String? {
        try await connection.query(
            """
            SELECT to_char(stats_reset, 'YYYY-MM-DD HH24:MI:SS') AS reset FROM \(schema).pg_stat_statements_info
            WHERE stats_reset > $1::timestamptz
            """, [.text(moment)]
        ).first?.string("reset")
    }

    /// With `save` on, a server that was stopped in order goes on counting where it was; after a crash 14 and later
    /// tell it as a reset.
    private func restart(since moment: String, _ connection: Connection) async throws -> String? {
        try await connection.query(
            """
            SELECT to_char(pg_postmaster_start_time(), 'YYYY-MM-DD HH24:MI:SS') AS start
            WHERE pg_postmaster_start_time() > $1::timestamptz
              AND current_setting('pg_stat_statements.save', true) = 'off'
            """, [.text(moment)]
        ).first?.string("start")
    }

    /// Entries of the look that are gone: a reset of one role, database or statement leaves no other trace.
    private func vanished(since moment: String, _ schema: String, _ connection: Connection) async throws -> Int {
        try await connection.query(
            """
            SELECT count(*) AS n FROM strata.observations o WHERE o.at = $1::timestamptz AND NOT EXISTS (
                SELECT FROM \(schema).pg_stat_statements s
                WHERE s.queryid = o.query_id AND s.userid = o.role
                  AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
              AND o.query_id <> 0 AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = o.role)
            """, [.text(moment)]
        ).only().int("n")
    }
}
