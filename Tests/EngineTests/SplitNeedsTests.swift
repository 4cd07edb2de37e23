import Planning
import PostgresDriver
import Testing

@testable import Engine

/// What a schema needs beside itself, on another server.
@Suite("Split: what comes along")
struct SplitNeedsTests {
    @Test(
        "Roles with their password, memberships, extensions, types, functions and settings come to another server, and go again"
    )
    func needs() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let servers = [try fixture.server(in: "one"), try fixture.server(in: "two")]
            let (first, second) = (try await servers[0].start(), try await servers[1].start())
            do {
                try await move(ConnectionSettings(first.url), ConnectionSettings(second.url))
            } catch {
                for server in servers { try? await server.stop() }
                throw error
            }
            for server in servers { try await server.stop() }
        }
    }

    private static let before = """
        CREATE ROLE team; CREATE ROLE writer LOGIN PASSWORD 'geheim' IN ROLE team;
        CREATE EXTENSION citext;
        CREATE TYPE public.place AS (city text, zip int);
        CREATE FUNCTION public.short(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left($1, 3)';
        CREATE SCHEMA audit AUTHORIZATION team;
        CREATE TABLE audit.events (id int PRIMARY KEY, word citext, spot public.place);
        CREATE INDEX ON audit.events (public.short(word::text));
        GRANT SELECT ON audit.events TO writer;
        ALTER DEFAULT PRIVILEGES IN SCHEMA audit GRANT SELECT ON TABLES TO writer;
        DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = audit, public', current_database());
            EXECUTE format('ALTER ROLE writer IN DATABASE %I SET work_mem = ''7MB''', current_database()); END$$;
        INSERT INTO audit.events SELECT n, 'Word ' || n, ROW('x'::text, n)::public.place FROM generate_series(1, 100) n;
        """

    private static let facts = """
        SELECT ARRAY(SELECT rolname || ' ' || rolcanlogin || ' ' || coalesce(left(rolpassword, 14), '-') FROM pg_authid
                      WHERE rolname IN ('team', 'writer') ORDER BY 1) AS roles,
               ARRAY(SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.roleid = to_regrole('team')) AS members,
               ARRAY(SELECT extname FROM pg_extension WHERE extname = 'citext') AS extensions,
               ARRAY(SELECT c FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE setdatabase <> 0 ORDER BY 1) AS settings,
               ARRAY(SELECT typname FROM pg_type WHERE oid = to_regtype('public.place')) AS types,
               ARRAY(SELECT proname FROM pg_proc WHERE oid = to_regprocedure('public.short(text)')) AS functions
        """

    private func facts(_ settings: ConnectionSettings) async throws -> [[String]] {
        let connection = try await Connection.open(settings)
        let row = try await connection.query(Self.facts).only()
        await connection.close()
        return try ["roles", "members", "extensions", "settings", "types", "functions"].map { try row.textArray($0) }
    }

    private func move(_ main: ConnectionSettings, _ other: ConnectionSettings) async throws {
        let connection = try await Connection.open(main)
        try await connection.execute(Self.before)
        let text = """
            strata: 1
            databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
            schemas: { audit: { database: archive, tables: [events] } }
            """
        let layout = try Pipeline.decode(text, file: "strata.yaml", environment: [:]).0
        let plan = try await LivePlanner.plan(layout, on: connection).plan
        let report = try #require(plan.splits?.first)
        await connection.close()
        let before = try await facts(other)
        let record = try await SplitMove(report, mainDatabase: "main", source: main, target: other).run()
        #expect(record.state == .following && record.tables.map(\.rows) == [100])
        let wanted = try await facts(main)
        let found = try await facts(other)
        #expect(found == wanted)
        #expect(wanted[0] == ["team false -", "writer true SCRAM-SHA-256$"] && wanted[1] == ["writer"])
        let kept = try await SplitCancel("audit", mainDatabase: "main", source: main, target: other).run().kept
        #expect(kept == [])
        #expect(try await facts(other) == before)
    }
}
