import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Seed 003's tables as documented, and what its printed schema does not hold.
@Suite("Events: schema")
struct EventSchemaTests {
    @Test("S3.4-S3.9 S3.12-S3.15 Tables, columns, types, keys and indexes have their documented names")
    func documented() async throws {
        try await EventStoreFixture.with { store in
            let columns = try await store.rows(
                """
                SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS text
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = 'events'::regnamespace
                """)
            let present = Set(try columns.map { try $0.string("text") })
            let documented: [String: [(String, String)]] = [
                "organizations": [
                    ("id", "uuid"), ("name", "varchar"), ("created_at", "timestamp"), ("is_active", "boolean"),
                ],
                "users": [
                    ("id", "uuid"), ("org_id", "uuid"), ("email", "varchar"), ("password_hash", "text"),
                    ("role", "varchar"),
                    ("created_at", "timestamp"), ("is_active", "boolean"),
                ],
                "api_keys": [
                    ("id", "uuid"), ("org_id", "uuid"), ("key_hash", "text"), ("label", "varchar"),
                    ("created_at", "timestamp"),
                    ("revoked_at", "timestamp"),
                ],
                "event_streams": [
                    ("id", "uuid"), ("org_id", "uuid"), ("name", "varchar"), ("schema", "jsonb"),
                    ("created_at", "timestamp"),
                    ("is_active", "boolean"),
                ],
                "events": [
                    ("id", "uuid"), ("stream_id", "uuid"), ("payload", "jsonb"), ("metadata", "jsonb"),
                    ("created_at", "timestamp"),
                ],
                "consumer_groups": [
                    ("id", "uuid"), ("stream_id", "uuid"), ("name", "varchar"), ("created_at", "timestamp"),
                ],
                "consumer_offsets": [
                    ("id", "uuid"), ("consumer_group_id", "uuid"), ("last_event_id", "uuid"),
                    ("updated_at", "timestamp"),
                ],
                "dead_letter_events": [
                    ("id", "uuid"), ("event_id", "uuid"), ("reason", "text"), ("payload", "jsonb"),
                    ("failed_at", "timestamp"),
                ],
            ]
            let types = ["varchar": "character varying", "timestamp": "timestamp without time zone"]
            for (table, columns) in documented {
                for (column, type) in columns {
                    #expect(present.contains("\(table).\(column) \(types[type] ?? type)"), "\(table).\(column)")
                }
            }
            let indexes = Set(
                try await store.rows(
                    "SELECT replace(regexp_replace(indexdef, '^CREATE (UNIQUE )?INDEX \\S+ ON (ONLY )?', '\\1'), 'events.', '') AS text FROM pg_indexes WHERE schemaname = 'events'"
                ).map { try $0.string("text") })
            for index in [
                "UNIQUE users USING btree (email)", "users USING btree (org_id)", "api_keys USING btree (org_id)",
                "UNIQUE event_streams USING btree (org_id, name)", "events USING btree (stream_id, created_at)",
                "UNIQUE consumer_groups USING btree (stream_id, name)",
                "UNIQUE consumer_offsets USING btree (consumer_group_id)",
                "dead_letter_events USING btree (event_id)", "UNIQUE api_keys USING btree (key_hash)",
            ] { #expect(indexes.contains(index), "\(index) of \(indexes.sorted())") }
            let cascades = try await store.rows(
                "SELECT count(*) AS n FROM pg_constraint WHERE connamespace = 'events'::regnamespace AND contype = 'f' AND (confdeltype <> 'a' OR confupdtype <> 'a')"
            ).only().int("n")
            #expect(cascades == 0, "S3.16: no cascading deletes")
        }
    }

    @Test("It can be made again, by several at once")
    func again() async throws {
        try await EventStoreFixture.with { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let connection = try await Connection.open(store.database.settings)
                        try await store.schema.install(on: connection)
                        await connection.close()
                    }
                }
                try await group.waitForAll()
            }
            let stream = try await store.stream()
            try await store.append([.counted(1)], to: stream)
        }
    }

    @Test(
        "S0.3 S3.9 S3.17 Events are neither updated, deleted nor truncated, not by a superuser either; partitions, too")
    func immutable() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.append([.counted(1)], to: stream)
            let partition = try await store.rows("SELECT tableoid::regclass::text AS name FROM events.events").only()
                .string("name")
            for statement in [
                "UPDATE events.events SET payload = '{}'", "DELETE FROM events.events", "TRUNCATE events.events",
                "UPDATE \(partition) SET payload = '{}'", "DELETE FROM \(partition)", "TRUNCATE \(partition)",
            ] {
                await #expect(throws: PostgresError.self, "\(statement)") { try await store.rows(statement) }
            }
            #expect(try await store.reader.read(stream, of: store.organization).events.count == 1)
            for right in ["UPDATE", "DELETE", "TRUNCATE"] {
                let may = try await store.rows(
                    "SELECT has_table_privilege('strata_events', 'events.events', '\(right)') AS may")
                #expect(try may.only().bool("may") == false)
            }
        }
    }

    @Test(
        "S3.11 S3.19 An id has one time only, the same id is not taken twice, and a look-up by id reads one partition")
    func ids() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            let appended = try await store.append([.counted(1)], to: stream)
            let id = appended.ids[0].uuidString
            let again =
                "INSERT INTO events.events SELECT id, stream_id, payload, metadata, $TIME, org_id, position, type, key, slot FROM events.events"
            for time in ["created_at", "created_at + interval '1 day'"] {
                await #expect(throws: PostgresError.self) {
                    try await store.rows(again.replacing("$TIME", with: time))
                }
            }
            let plan = try await store.rows(
                "EXPLAIN SELECT * FROM events.events WHERE id = '\(id)' AND created_at = events.time_of('\(id)')")
            let text = try plan.map { try $0.string(0) }.joined(separator: "\n")
            #expect(!text.contains("Append") && text.contains("Index"), "\(text)")
        }
    }

    @Test(
        "Partitions are made ahead, by day as well; a missing one is made when it is needed",
        arguments: EventSchema.Every.allCases)
    func partitions(_ every: EventSchema.Every) async throws {
        try await EventStoreFixture.with(every: every) { store in
            func names() async throws -> [String] {
                try await store.rows(
                    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events.events'::regclass ORDER BY 1"
                )
                .map { try $0.string("name") }
            }
            #expect(try await names().count == 4)
            let stream = try await store.stream()
            for name in try await names() { try await store.rows("DROP TABLE \(name)") }
            #expect(try await store.append([.counted(1)], to: stream).positions == 1...1)
            #expect(try await names().count == 2)
            try await store.rows("SELECT events.make_partitions(10)")
            #expect(try await names().count == 11)
            let truncate = try await store.rows(
                "SELECT count(*) AS n FROM pg_trigger WHERE tgname = 'events_not_truncated' AND NOT tgisinternal"
            ).only().int("n")
            #expect(truncate == 12)
            await #expect(throws: PostgresError.self) { try await store.rows("SELECT events.make_partitions(1000)") }
        }
    }

    @Test("No function is everybody's; a schema with something else in it is not taken")
    func rights() async throws {
        try await EventStoreFixture.with { store in
            let open = try await store.rows(
                "SELECT p.proname AS name FROM pg_proc p WHERE p.pronamespace = 'events'::regnamespace AND p.prosecdef AND (p.proacl IS NULL OR p.proacl::text LIKE '%{=%' OR p.proacl::text LIKE '%,=%')"
            )
            #expect(open.isEmpty)
            try await store.rows("CREATE SCHEMA theirs")
            try await store.rows("CREATE TABLE theirs.events (id int)")
            let connection = try await Connection.open(store.database.settings)
            for name in ["theirs", "public", "pg_catalog", "a$b"] {
                await #expect(throws: EventStoreProblem.self) {
                    try await EventSchema(name: name).install(on: connection)
                }
            }
            try await EventSchema(name: "it's \"mine\"").install(on: connection)
            await connection.close()
        }
    }

    @Test("Making it again stops nobody: not while the tables are read and written")
    func againBesideOthers() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.append([.counted(1)], to: stream)
            let reader = try await Connection.open(store.database.settings)
            try await reader.execute(
                "BEGIN; SELECT count(*) FROM events.events; INSERT INTO events.organizations (name) VALUES ('x')")
            let connection = try await Connection.open(store.database.settings)
            try await store.schema.install(on: connection)
            try await reader.execute("COMMIT")
            await connection.close()
            await reader.close()
        }
    }

    @Test("Requests of one organisation neither see nor change what is another's, whatever they ask for")
    func organizations() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.append([.counted(1)], to: stream)
            let group = try await store.reader.createGroup("g", on: stream, of: store.organization)
            await #expect(throws: AppendRefusal.noStream(stream)) {
                try await store.append([.counted(2)], to: stream, of: store.other)
            }
            await #expect(throws: EventStoreRefusal.self) { try await store.reader.read(stream, of: store.other) }
            await #expect(throws: EventStoreRefusal.self) {
                try await store.reader.poll(group, of: store.other, as: "m")
            }
            await #expect(throws: EventStoreRefusal.self) {
                try await store.reader.seek(group, of: store.other, to: .end)
            }
            let delivery = try await store.reader.poll(group, of: store.organization, as: "m")
            let lease = try #require(delivery.leases.first { $0.slot == delivery.events.first?.slot })
            await #expect(throws: EventStoreRefusal.self) {
                try await store.reader.commit([(lease, 1)], group, of: store.other, as: "m")
            }
            await #expect(throws: EventStoreRefusal.self) {
                _ = try await store.reader.fail(
                    1, in: lease, group, of: store.other, as: "m", reason: "r", isFinal: true)
            }
            await #expect(throws: EventStoreRefusal.self) {
                _ = try await store.reader.createGroup("h", on: stream, of: store.other)
            }
            _ = try await store.reader.fail(
                1, in: lease, group, of: store.organization, as: "m", reason: "r", isFinal: true)
            #expect(try await store.reader.redrive(group, of: store.other) == 0)
            #expect(try await store.reader.discard(group, of: store.other) == 0)
            #expect(try await store.reader.redrive(group, of: store.organization) == 1)
            let redriven = try #require(
                try await store.reader.poll(group, of: store.organization, as: "m").redriven.first)
            #expect(redriven.event.at == delivery.events.first?.event.at)
            await #expect(throws: EventStoreRefusal.self) {
                try await store.reader.settle(redriven, of: store.other, as: "m", failure: nil)
            }
            // And a query that forgets its organisation finds nothing.
            let connection = try await Connection.open(store.database.settings)
            let tables = try await connection.query(
                "SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'events'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'org_id' AND NOT c.relispartition"
            ).map { try $0.string("name") }
            #expect(tables.count == 17)
            for organization in [store.organization.uuidString, store.other.uuidString, ""] {
                try await connection.execute("RESET ROLE")
                let all = try await connection.query(
                    "SELECT \(tables.map { "(SELECT count(*) FROM events.\($0) WHERE org_id::text = lower('\(organization)')) AS \($0)" }.joined(separator: ", "))"
                ).only()
                try await connection.execute("SET ROLE strata_events; SET events.org_id = '\(organization)'")
                for table in tables {
                    let found = try await connection.query("SELECT count(*) AS n FROM events.\(table)").only().int("n")
                    #expect(try found == all.int(table), "\(table) for '\(organization)'")
                }
                let organizations = try await connection.query("SELECT count(*) AS n FROM events.organizations").only()
                    .int("n")
                #expect(organizations == (organization.isEmpty ? 0 : 1))
            }
            await connection.close()
        }
    }
}
