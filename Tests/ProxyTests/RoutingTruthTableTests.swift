import PostgresDriver
import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// What may run on a standby, line by line, from the text to the decision.
@Suite struct RoutingTruthTableTests {
    /// One database for all cases, gone once its catalog is read.
    private static let catalog = Task {
        try await withRoutingCatalog(
            """
            CREATE SCHEMA auth; CREATE SCHEMA education; CREATE SCHEMA active; CREATE SCHEMA activities;
            CREATE TABLE education.groups (id serial PRIMARY KEY, name text, room_id int);
            CREATE TABLE active.groups (id int PRIMARY KEY, education_group_id int REFERENCES education.groups);
            CREATE TABLE activities.groups (id int);
            CREATE TABLE active.visits (id int PRIMARY KEY, group_id int REFERENCES active.groups ON DELETE CASCADE);
            CREATE TABLE auth.sessions (id int PRIMARY KEY, token text, last_seen timestamptz);
            CREATE TABLE users (id serial PRIMARY KEY, name text, last_seen timestamptz);
            CREATE TABLE projects (id serial PRIMARY KEY, status text, owner int REFERENCES users, region int);
            CREATE TABLE bids (id serial PRIMARY KEY, project int REFERENCES projects, price numeric, by int);
            CREATE TABLE reviews (id serial PRIMARY KEY, contractor int, stars int);
            CREATE TABLE regions (id int PRIMARY KEY, parent int REFERENCES regions);
            CREATE TABLE notifications (id serial PRIMARY KEY, "user" int, read bool);
            CREATE TABLE audit_log (id serial, what text); CREATE TABLE prices (id int, unit text, price numeric);
            CREATE UNLOGGED TABLE cache (k text); CREATE MATERIALIZED VIEW ranking AS SELECT 1 AS rank;
            CREATE FUNCTION touch_session(n int) RETURNS void LANGUAGE sql
              AS 'UPDATE auth.sessions SET last_seen = now() WHERE id = n';
            CREATE FUNCTION stars(n int) RETURNS numeric STABLE LANGUAGE sql
              AS 'SELECT avg(stars) FROM public.reviews WHERE contractor = n';
            CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM audit_log; END $$;
            """
        ) { catalog, _ in catalog }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let sql: String
        var access: Decision.Access = .primary
        var effects: Decision.Effects?
        var reads: [String]?
        var writes: [String]?
        var testDescription: String { sql }
    }

    private func check(_ item: Case, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let catalog = try await Self.catalog.value
        var text = item.sql
        var clues = text.withUTF8 { TextClues($0) }
        clues.readBlocks(item.sql, catalog)
        let path = catalog.resolve(SearchPath(schemas: ["public"]))
        let found = StatementClassifier.classify(
            try StatementReader.read(item.sql), StatementDirectives(), path, catalog, RoutingRules(), clues)
        let reason = found.decision.reason.text
        #expect(found.decision.access == item.access, "\(reason)", sourceLocation: sourceLocation)
        if let effects = item.effects { #expect(found.decision.effects == effects, sourceLocation: sourceLocation) }
        if let reads = item.reads {
            let names = Set(found.reads.compactMap(catalog.relationName))
            #expect(names == Set(reads), sourceLocation: sourceLocation)
        }
        if let writes = item.writes {
            #expect(!found.decision.writesAnything, sourceLocation: sourceLocation)
            #expect(
                Set(found.writes.compactMap(catalog.relationName)) == Set(writes), sourceLocation: sourceLocation)
        }
    }

    @Test(
        "fails on a standby",
        arguments: [
            Case(sql: "SELECT * FROM users FOR UPDATE", writes: []),
            Case(sql: "SELECT * FROM users FOR SHARE", writes: []),
            Case(sql: "SELECT * FROM users FOR NO KEY UPDATE"),
            Case(sql: "SELECT 1 FROM (SELECT * FROM users FOR KEY SHARE) x"),
            Case(
                sql: "WITH x AS (INSERT INTO users (name) VALUES ('a') RETURNING id) SELECT * FROM x",
                writes: ["public.users"]),
            Case(sql: "WITH x AS (DELETE FROM bids RETURNING id) SELECT count(*) FROM x", writes: ["public.bids"]),
            Case(sql: "SELECT nextval('users_id_seq')"), Case(sql: "SELECT setval('users_id_seq', 5)"),
            Case(sql: "SELECT touch_session(1)", writes: ["auth.sessions"]),
            Case(sql: "SELECT public.touch_session(id) FROM users", writes: ["auth.sessions"]),
            Case(sql: "CREATE TEMP TABLE x (id int)", effects: .temporary),
            Case(sql: "CREATE TEMP TABLE x AS SELECT * FROM users", effects: .temporary),
            Case(sql: "SELECT * INTO TEMP x FROM users", effects: .temporary), Case(sql: "SELECT * FROM pg_temp.x"),
            Case(sql: "SELECT * FROM cache"), Case(sql: "REFRESH MATERIALIZED VIEW ranking", effects: .catalog),
            Case(sql: "LISTEN news", effects: .listen), Case(sql: "NOTIFY news", effects: .primaryOnly),
            Case(sql: "SELECT pg_notify('news', 'x')", effects: .primaryOnly),
            Case(sql: "BEGIN ISOLATION LEVEL SERIALIZABLE", effects: .transaction), Case(sql: "SELECT txid_current()"),
            Case(sql: "SELECT pg_current_wal_lsn()"), Case(sql: "SELECT lo_create(0)"), Case(sql: "LOCK TABLE users"),
            Case(sql: "COPY users FROM STDIN", effects: .copyIn, writes: ["public.users"]), Case(sql: "ANALYZE users"),
            Case(sql: "VACUUM users"), Case(sql: "EXPLAIN ANALYZE DELETE FROM users", writes: ["public.users"]),
            Case(sql: "SELECT * INTO made FROM users", effects: .catalog), Case(sql: "BEGIN READ WRITE"),
        ])
    func failsOnAStandby(_ item: Case) async throws { try await check(item) }

    @Test(
        "succeeds on a standby and is silently wrong",
        arguments: [
            Case(sql: "SELECT pg_advisory_lock(72707369)", effects: .advisoryLock),
            Case(sql: "SELECT pg_try_advisory_lock(1)", effects: .advisoryLock),
            Case(sql: "SELECT pg_advisory_xact_lock(1)", effects: .primaryOnly),
            Case(sql: "SELECT pg_export_snapshot()"),
            Case(sql: "DECLARE c CURSOR WITH HOLD FOR SELECT 1", effects: .heldCursor),
            Case(sql: "DO $$ BEGIN PERFORM 1; END $$", effects: [], writes: []),
            Case(sql: "DO $$ BEGIN DELETE FROM bids; END $$", effects: [], writes: ["public.bids"]),
            Case(sql: "DO $$ BEGIN EXECUTE current_setting('x.y'); END $$"),
            Case(sql: "CALL tidy()", writes: ["public.audit_log"]),
            Case(sql: "SELECT n_live_tup FROM pg_stat_user_tables"), Case(sql: "SELECT * FROM pg_stat_activity"),
            Case(sql: "SELECT * FROM pg_locks"), Case(sql: "SELECT * FROM pg_prepared_statements"),
            Case(sql: "SHOW transaction_read_only"), Case(sql: "SELECT pg_is_in_recovery()"),
            // The session keeps track of these, and replays them: they go where it is.
            Case(sql: "SET search_path = active", access: .anywhere, effects: .settings),
            Case(sql: "SET statement_timeout = 5", access: .anywhere, effects: .settings),
            Case(sql: "RESET ALL", access: .anywhere, effects: .settings),
            Case(sql: "DISCARD ALL", access: .anywhere, effects: .discardAll),
            Case(sql: "DEALLOCATE ALL", access: .anywhere, effects: .deallocateAll),
            Case(sql: "SELECT set_config('app.tenant', '7', true)", access: .anywhere, effects: .settings),
            Case(sql: "PREPARE p AS SELECT * FROM users", access: .read, effects: .prepared),
            Case(sql: "PREPARE p AS DELETE FROM bids", effects: .prepared),
        ])
    func isSilentlyWrongOnAStandby(_ item: Case) async throws { try await check(item) }

    @Test(
        "may be read from a replica",
        arguments: [
            Case(sql: "SELECT * FROM users WHERE id = 1", access: .read, effects: [], reads: ["public.users"]),
            Case(sql: "WITH x AS (SELECT * FROM users) SELECT * FROM x", access: .read, reads: ["public.users"]),
            Case(sql: "SELECT stars(7)", access: .read, effects: [], reads: ["public.reviews"]),
            Case(sql: "SELECT * FROM ranking", access: .read, reads: ["public.ranking"]),
            Case(sql: "EXPLAIN SELECT * FROM users", access: .read), Case(sql: "COPY users TO STDOUT", access: .read),
            Case(sql: "COPY (SELECT * FROM bids) TO STDOUT", access: .read, reads: ["public.bids"]),
            Case(sql: "TABLE users", access: .read), Case(sql: "VALUES (1)", access: .anywhere),
            Case(sql: "SELECT 1", access: .anywhere, effects: []),
            Case(sql: "SELECT now(), random()", access: .anywhere),
            Case(sql: "DECLARE c CURSOR FOR SELECT * FROM users", access: .read, effects: .cursor),
            Case(
                sql: "BEGIN; SELECT * FROM users; COMMIT", access: .read, effects: .transaction, reads: ["public.users"]
            ),
            Case(sql: "BEGIN READ ONLY", access: .anywhere), Case(sql: "SHOW search_path", access: .anywhere),
        ])
    func mayBeReadFromAReplica(_ item: Case) async throws { try await check(item) }

    @Test(
        "S1.14 S1.19-21 three schemas, quoted aliases",
        arguments: [
            Case(
                sql: #"SELECT "group".id FROM education.groups AS "group""#, access: .read, reads: ["education.groups"]),
            Case(sql: "SELECT * FROM active.groups", access: .read, reads: ["active.groups"]),
            Case(sql: #"UPDATE education.groups AS "group" SET name = 'x'"#, writes: ["education.groups"]),
            Case(sql: "DELETE FROM active.groups", writes: ["active.groups", "active.visits"]),
            Case(sql: "INSERT INTO active.groups VALUES (1)", writes: ["active.groups"]),
            Case(
                sql: "SELECT * FROM education.groups JOIN active.groups a ON a.education_group_id = groups.id",
                access: .read, reads: ["education.groups", "active.groups"]),
            Case(sql: "SELECT * FROM groups"),
        ])
    func schemasStayApart(_ item: Case) async throws { try await check(item) }

    @Test(
        "S1.26 S1.48 X9 reads that belong to the primary",
        arguments: [
            Case(sql: "BEGIN; SELECT pg_advisory_xact_lock(7); SELECT * FROM active.visits"),
            Case(
                sql: "SELECT * FROM active.visits; UPDATE users SET last_seen = now() WHERE id = 1",
                writes: ["public.users"]),
            Case(sql: "WITH i AS (INSERT INTO audit_log (what) VALUES ('read') RETURNING 1) SELECT * FROM users"),
            Case(sql: "TRUNCATE users CASCADE", writes: ["public.users", "public.projects", "public.bids"]),
            Case(sql: "INSERT INTO users (name) VALUES ('a') ON CONFLICT DO NOTHING", writes: ["public.users"]),
            Case(
                sql: "MERGE INTO bids USING projects p ON p.id = bids.project WHEN MATCHED THEN DELETE",
                writes: ["public.bids"]),
        ])
    func belongsToThePrimary(_ item: Case) async throws { try await check(item) }

    @Test(
        "S4.2-S4.14 replica candidates",
        arguments: [
            Case(sql: "SELECT * FROM projects WHERE status = 'open' ORDER BY id LIMIT 20", access: .read),
            Case(
                sql: "SELECT p.*, u.name FROM projects p JOIN users u ON u.id = p.owner WHERE p.id = $1", access: .read),
            Case(sql: "SELECT * FROM ranking ORDER BY rank", access: .read),
            Case(
                sql: """
                    WITH RECURSIVE t AS (SELECT id, parent FROM regions WHERE parent IS NULL
                    UNION ALL SELECT r.id, r.parent FROM regions r JOIN t ON r.parent = t.id) SELECT * FROM t
                    """, access: .read, reads: ["public.regions"]),
            Case(sql: "SELECT DISTINCT unit FROM prices", access: .read),
            Case(sql: "SELECT * FROM prices", access: .read),
            Case(sql: "SELECT * FROM reviews WHERE contractor = $1", access: .read),
            Case(sql: "SELECT avg(stars), count(*) FROM reviews GROUP BY contractor", access: .read),
            Case(sql: "SELECT * FROM bids WHERE project = $1", access: .read),
            Case(sql: #"SELECT * FROM notifications WHERE "user" = $1"#, access: .read),
            Case(sql: "SELECT count(*) OVER (), * FROM users ORDER BY id OFFSET 20", access: .read),
        ])
    func replicaCandidates(_ item: Case) async throws { try await check(item) }

    @Test(
        "S4.15-S4.26 primary only",
        arguments: [
            Case(sql: "INSERT INTO auth.sessions VALUES ($1, $2)", writes: ["auth.sessions"]),
            Case(sql: "UPDATE auth.sessions SET token = $1", writes: ["auth.sessions"]),
            Case(sql: "DELETE FROM auth.sessions WHERE id = $1", writes: ["auth.sessions"]),
            Case(
                sql: #"INSERT INTO notifications ("user") VALUES ($1) RETURNING id"#, writes: ["public.notifications"]),
            Case(sql: "UPDATE notifications SET read = true", writes: ["public.notifications"]),
            Case(sql: "INSERT INTO audit_log (what) SELECT name FROM users", writes: ["public.audit_log"]),
            Case(sql: "INSERT INTO bids (project, price) VALUES ($1, $2)", writes: ["public.bids"]),
            Case(sql: "UPDATE projects SET status = 'done' WHERE id = $1", writes: ["public.projects"]),
        ])
    func primaryOnly(_ item: Case) async throws { try await check(item) }
}
