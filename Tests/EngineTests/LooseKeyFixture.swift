import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Two databases of a layout, `main` with a parent and its children, and `other`, where they may go.
struct LooseKeyFixture: Sendable {
    let main: TestDatabase
    let other: TestDatabase
    let databases: LooseKeyDatabases

    static let pile = """
        CREATE SCHEMA people; CREATE SCHEMA audit;
        CREATE TABLE people.users (id bigint PRIMARY KEY, name text);
        CREATE TABLE audit.events (id bigserial PRIMARY KEY, note text,
            user_id integer CONSTRAINT events_user REFERENCES people.users ON DELETE CASCADE ON UPDATE CASCADE);
        CREATE INDEX ON audit.events (user_id);
        INSERT INTO people.users SELECT g, 'user ' || g FROM generate_series(1, 20) g;
        INSERT INTO audit.events (user_id, note) SELECT 1 + g % 20, 'event ' || g FROM generate_series(1, 100) g;
        """

    static func with(pile: String = pile, _ body: (LooseKeyFixture) async throws -> Void) async throws {
        try await withTestDatabase("keys_main") { main in
            try await withTestDatabase("keys_other") { other in
                let databases = LooseKeyDatabases(
                    [
                        .init(name: "main", settings: .success(main.settings)),
                        .init(name: "other", settings: .success(other.settings)),
                    ], command: "split keys")
                try await main.execute(pile)
                do {
                    try await body(LooseKeyFixture(main: main, other: other, databases: databases))
                    await databases.close()
                } catch {
                    await databases.close()
                    throw error
                }
            }
        }
    }

    /// That of `pile`.
    static func key(
        onDelete: LooseKey.OnDelete = .delete, onUpdate: LooseKey.OnUpdate = .ignore,
        constraint: String? = "events_user"
    ) -> LooseKey {
        LooseKey(
            parent: .init("people", "users"), child: .init("audit", "events"),
            pairs: [(parent: "id", child: "user_id", type: "bigint")], onDelete: onDelete, onUpdate: onUpdate,
            childDatabase: "other", constraint: constraint)
    }

    static var quick: RunOptions {
        var options = RunOptions()
        options.lockTimeout = .milliseconds(100)
        options.patienceWithHolders = .milliseconds(100)
        options.lockWaitLimit = .seconds(60)
        return options
    }

    @discardableResult
    func replace(_ keys: LooseKey...) async throws -> [String] {
        try await LooseKeyReplacement(databases, options: Self.quick).replace(keys)
    }

    @discardableResult
    func work(_ options: LooseKeyWorker.Options = .init()) async throws -> LooseKeyWorker.Tally {
        try await LooseKeyWorker(databases, options: options).runOnce()
    }

    func column(_ sql: String, in database: TestDatabase? = nil) async throws -> [String] {
        let connection = try await (database ?? main).connect()
        defer { Task { await connection.close() } }
        return try await connection.query(sql).map { try $0.optionalString(0) ?? "NULL" }
    }

    func value(_ sql: String, in database: TestDatabase? = nil) async throws -> String {
        try await column(sql, in: database).joined(separator: "\n")
    }

    func queue(in database: TestDatabase? = nil) async throws -> [String] {
        try await column(
            "SELECT action || ' ' || old_values::text || coalesce(' ' || new_values::text, '') FROM strata.loose_key_queue ORDER BY position",
            in: database)
    }

    /// Does what a split does: the table and its rows are in `other`, and may not be written in `main`.
    func move(_ table: String, definition: String) async throws {
        let rows = try await column("SELECT to_jsonb(t)::text FROM \(table) AS t")
        let schema = table.split(separator: ".")[0]
        let connection = try await other.connect()
        try await connection.execute("CREATE SCHEMA IF NOT EXISTS \(schema); \(definition)")
        for row in rows {
            _ = try await connection.query(
                "INSERT INTO \(table) SELECT * FROM jsonb_populate_record(NULL::\(table), $1::jsonb)", [.text(row)])
        }
        await connection.close()
        try await main.execute(
            """
            CREATE FUNCTION public.guarded() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'guarded'; END$$;
            CREATE TRIGGER strata_guard BEFORE INSERT OR UPDATE OR DELETE ON \(table) EXECUTE FUNCTION public.guarded()
            """)
    }

    static let movedEvents = "CREATE TABLE audit.events (id bigint PRIMARY KEY, note text, user_id integer)"
    static let movedUsers = "CREATE TABLE people.users (id bigint PRIMARY KEY, name text)"
}
