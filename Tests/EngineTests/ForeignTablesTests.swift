import Planning
import PostgresDriver
import TestSupport
import Testing

@testable import Engine

/// `strata split foreign`: joins in the main database with what lives in another one.
@Suite("Split: foreign tables")
struct ForeignTablesTests {
    private static let there = """
        CREATE SCHEMA audit; CREATE TYPE audit.kind AS ENUM ('made', 'gone');
        CREATE TABLE audit.events (id int PRIMARY KEY, kind audit.kind, kinds audit.kind[], "The Note" text);
        INSERT INTO audit.events VALUES (1, 'made', '{gone}', 'far');
        CREATE TABLE audit.parts (id int); CREATE VIEW audit.gone AS SELECT id FROM audit.events WHERE kind = 'gone';
        CREATE TABLE audit.days (day date) PARTITION BY RANGE (day);
        CREATE TABLE audit.days_rest PARTITION OF audit.days DEFAULT;
        CREATE TABLE audit.secret (id int); ALTER TABLE audit.secret ENABLE ROW LEVEL SECURITY;
        GRANT USAGE ON SCHEMA audit TO @app; GRANT SELECT (id, "The Note") ON audit.events TO @app; GRANT SELECT ON audit.parts TO PUBLIC;
        """

    private struct Pair: Sendable {
        var main: ApplyFixture
        var other: TestDatabase

        func layout(_ tables: String = "") throws -> Layout {
            try Pipeline.decode(
                """
                strata: 1
                databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
                schemas: { audit: { database: archive, tables: [events, parts, days, secret] } }
                foreign_tables: [{ schema: far, of: audit\(tables.isEmpty ? "" : ", tables: \(tables)") }]
                """, file: "strata.yaml", environment: [:]
            ).0
        }

        var foreign: ForeignTables { ForeignTables(main: main.database.settings, other: other.settings) }

        @discardableResult
        func make(_ tables: String = "") async throws -> [String] {
            try await foreign.make(try #require(try layout(tables).foreignTables.first)).tables
        }

        func drop() async throws { try await foreign.drop(schema: "far") }

        func there(_ sql: String) async throws -> [String] {
            let connection = try await other.connect()
            let values = try await connection.query(sql).map { try $0.optionalString(0) ?? "NULL" }
            await connection.close()
            return values
        }

        func status() async throws -> [ForeignStatus] {
            let layout = try layout()
            return try await SplitSite.with(main.database.settings, other.settings) { site in
                try await ForeignStatus.read(layout, main: site.source, others: ["archive": site.target])
            }
        }
    }

    private func withPair(_ body: (Pair) async throws -> Void) async throws {
        try await ApplyFixture.with(
            "foreign",
            pile:
                "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'ann'); GRANT SELECT ON users TO @app"
        ) { main in
            try await withTestDatabase("foreignto") { other in
                try await other.execute(main.filled(Self.there))
                let pair = Pair(main: main, other: other)
                do { try await body(pair) } catch {
                    _ = try? await pair.drop()
                    throw error
                }
                // A role is of the whole server.
                _ = try? await pair.drop()
            }
        }
    }

    private static let objects = """
        SELECT 'class ' || oid::regclass FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
        UNION ALL SELECT 'type ' || oid::regtype FROM pg_type WHERE oid >= 16384
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
        UNION ALL SELECT 'extension ' || extname FROM pg_extension UNION ALL SELECT 'server ' || srvname FROM pg_foreign_server
        ORDER BY 1
        """
    @Test("Tables and views are read and joined here, with the rights that they have there; dropped, nothing is left")
    func whole() async throws {
        try await withPair { pair in
            let before = try await (pair.main.column(Self.objects), pair.there(Self.objects))
            #expect(try await pair.make() == ["days", "events", "gone", "parts"])
            #expect(
                try await pair.main.column(
                    #"SELECT name || ' ' || kind || ' ' || kinds::text || ' ' || "The Note" FROM users JOIN far.events USING (id)"#
                )
                    == ["ann made {gone} far"])
            try await pair.other.execute("INSERT INTO audit.events VALUES (2, 'gone', NULL, 'new')")
            #expect(try await pair.main.column("SELECT count(*) FROM far.gone") == ["1"])
            for sql in [
                "UPDATE far.events SET kind = 'gone'", "INSERT INTO far.parts VALUES (1)", "DELETE FROM far.parts",
            ] {
                await #expect(throws: PostgresError.self, "\(sql)") { try await pair.main.execute(sql) }
            }
            // As a role of its own, by its own rights.
            let app = pair.main.app
            try await pair.main.onConnection(["user": app, "password": app]) { connection in
                let row = try await connection.query(
                    #"SELECT u.name || ' ' || e."The Note" AS joined FROM users u JOIN far.events e USING (id)"#
                ).only()
                #expect(try row.string("joined") == "ann far")
                #expect(try await connection.query("SELECT * FROM far.parts").isEmpty)
                await #expect(throws: PostgresError.self) { try await connection.query("SELECT kind FROM far.events") }
                await #expect(throws: PostgresError.self) { try await connection.query("SELECT * FROM far.gone") }
                // Nor does it see how they are read.
                #expect(
                    try await connection.query("SELECT 1 FROM pg_user_mappings WHERE umoptions::text LIKE '%password%'")
                        .isEmpty)
            }
            let record = try #require(try await pair.main.onConnection { try await ForeignLedger($0).all() }.first)
            let roles = "SELECT count(*) FROM pg_roles WHERE rolname = '\(record.serverName)'"
            #expect(try await pair.there(roles) == ["1"])
            try await pair.drop()
            #expect(try await pair.there(roles) == ["0"])
            #expect(try await pair.main.column(Self.objects) == before.0)
            #expect(try await pair.there(Self.objects) == before.1)
        }
    }

    @Test("Made again, they follow the definitions; what is the same stays, and what is not shown is named")
    func again() async throws {
        try await withPair { pair in
            #expect(try await pair.status().map(\.state) == ["declared"])
            try await pair.make()
            #expect(try await pair.status().map(\.warnings) == [[]])
            let parts = try await pair.main.column("SELECT 'far.parts'::regclass::oid")
            // Views upon what stays the same do not mind.
            try await pair.main.execute("CREATE VIEW upon AS SELECT id FROM far.parts")
            try await pair.other.execute(
                "ALTER TABLE audit.events ADD more int DEFAULT 7; CREATE TABLE audit.late (id int); DROP TABLE audit.days"
            )
            #expect(try await pair.status()[0].warnings.contains { $0.contains("days, events") })
            #expect(try await pair.make() == ["events", "gone", "late", "parts"])
            #expect(try await pair.main.column("SELECT more FROM far.events") == ["7"])
            #expect(try await pair.main.column("SELECT 'far.parts'::regclass::oid") == parts)
            #expect(try await pair.status().map(\.warnings) == [[]])
            #expect(try await pair.make("[parts]") == ["parts"])
            #expect(try await pair.status()[0].tables == ["parts"])
            let used = try await engineFailure(.failed) { try await pair.drop() }
            #expect(used.code == "foreign-schema-in-use" && used.message.contains("upon"))
            try await pair.main.execute("DROP VIEW upon")
        }
    }

    @Test("Whatever of it is lost is made again: mapping, tables, role")
    func mended() async throws {
        try await withPair { pair in
            try await pair.make("[parts]")
            let record = try #require(try await pair.main.onConnection { try await ForeignLedger($0).all() }.first)
            let name = record.serverName
            func count() async throws -> [String] { try await pair.main.column("SELECT count(*) FROM far.parts") }
            for sql in [
                "DROP USER MAPPING FOR PUBLIC SERVER \(name)", "DROP SCHEMA far CASCADE", "DROP SERVER \(name) CASCADE",
            ] {
                try await pair.main.execute(sql)
                #expect(try await pair.make("[parts]") == ["parts"], "\(sql)")
                #expect(try await count() == ["0"], "\(sql)")
            }
            try await pair.other.execute("REVOKE ALL ON ALL TABLES IN SCHEMA audit FROM \(name)")
            try await pair.make("[parts]")
            #expect(try await count() == ["0"])
        }
    }

    @Test("A schema that is taken, one that has not moved yet and a table that is not there are refused")
    func refused() async throws {
        try await withPair { pair in
            try await pair.main.execute("CREATE SCHEMA far")
            #expect(try await engineFailure(.failed) { try await pair.make() }.code == "foreign-schema-taken")
            try await pair.main.execute("DROP SCHEMA far")
            try await pair.other.execute(
                "CREATE SCHEMA strata; CREATE TABLE strata.incoming (schema text, state text); INSERT INTO strata.incoming VALUES ('audit', 'made')"
            )
            #expect(try await engineFailure(.failed) { try await pair.make() }.code == "not-moved-yet")
            try await pair.other.execute("DROP TABLE strata.incoming")
            let secured = try await engineFailure(.failed) { try await pair.make("[secret]") }
            #expect(secured.code == "no-foreign-table" && secured.message.contains("audit.secret"))
        }
    }
}
