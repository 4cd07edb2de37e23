import Engine
import Planning
import TestSupport
import Testing

/// What seed 0 claims, after HausPet's layout was applied.
@Suite("HausPet", .applied("hauspet"), .serialized)
struct HausPetTests {
    @Test("S0.1 S0.2 S0.43 each table exactly where the layout says, and six of them")
    func places() async throws {
        try await applied { session in
            let tables = try await session.rows(
                """
                SELECT table_schema, table_name FROM information_schema.tables
                 WHERE table_type = 'BASE TABLE' AND table_schema IN ('eventstore', 'readmodels', 'public') ORDER BY 1, 2
                """)
            #expect(
                tables == [
                    "eventstore|events", "public|_prisma_migrations", "public|breed", "public|users",
                    "readmodels|animals", "readmodels|sponsorships",
                ])
        }
        #expect(try appliedPlan().unplaced.allSatisfy { !$0.contains("_prisma_migrations") })
    }

    @Test("S0.3 events are only appended", arguments: ["hauspet_app", nil])
    func immutable(role: String?) async throws {
        try await applied(as: role) { session in
            for name in ["eventstore.events", "public.events"] {
                try await session.refuses("UPDATE \(name) SET type = type", "42501")
                try await session.refuses("DELETE FROM \(name) WHERE version = 1", "42501")
                try await session.refuses(
                    "INSERT INTO \(name) (aggregate_id, aggregate_type, type, version) VALUES ('\(name)', 'b', 'c', 9)",
                    "00000")
            }
            try await session.refuses("TRUNCATE eventstore.events", "42501")
            try await session.expect("SELECT count(*) FROM eventstore.events", "17")
        }
    }

    @Test("S0.3 not even its owner may change an event")
    func owner() async throws {
        try await applied { session in
            try await session.run("ALTER TABLE eventstore.events OWNER TO hauspet_app; SET LOCAL ROLE hauspet_app")
            try await session.refuses("UPDATE eventstore.events SET type = type", "42501")
            try await session.refuses("DELETE FROM eventstore.events", "42501")
            try await session.refuses("TRUNCATE eventstore.events", "42501")
        }
    }

    @Test("S0.5 replay in order reads the index on aggregate and version")
    func replay() async throws {
        try await applied { session in
            try await session.run("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            let plan = try await session.value(
                "EXPLAIN SELECT * FROM events WHERE aggregate_id = 'sponsorship-1' ORDER BY version")
            #expect(plan.contains("events_aggregate_version_key"))
            #expect(!plan.contains("Sort"))
            try await session.expect(
                "SELECT version FROM events WHERE aggregate_id = 'sponsorship-1' ORDER BY version", ["1", "2"])
        }
    }

    @Test("S0.18 enums of public in tables of readmodels")
    func enums() async throws {
        try await applied(as: "hauspet_app") { session in
            try await session.expect(
                "SELECT type FROM readmodels.animals WHERE type = 'CAT'::public.\"AnimalType\" LIMIT 1", "CAT")
            try await session.refuses(
                "INSERT INTO readmodels.animals (id, name, type, registered_by) VALUES ('x', 'X', 'FISH', 1)", "22P02")
            try await session.expect(
                "SELECT udt_schema || '.' || udt_name FROM information_schema.columns WHERE table_schema = 'readmodels' "
                    + "AND table_name = 'animals' AND column_name = 'type'", "public.AnimalType")
        }
    }

    @Test("S0.19 15 events are 11 animals and two for each of 2 sponsorships")
    func counts() async throws {
        try await applied { session in
            let counts = try await session.value(
                """
                SELECT (SELECT count(*) FROM eventstore.events), (SELECT count(*) FROM readmodels.animals),
                    (SELECT count(*) FROM readmodels.sponsorships), (SELECT count(*) FROM public.breed),
                    (SELECT count(*) FROM public.users)
                """)
            #expect(counts == "15|11|2|13|1")
            try await session.expect(
                """
                SELECT (SELECT count(*) FROM events) = (SELECT count(*) FROM animals) + 2 * (SELECT count(*) FROM sponsorships)
                """, "t")
        }
    }

    @Test("S0.20 S0.22 one transaction over three schemas, all or nothing")
    func acid() async throws {
        let counts =
            "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM animals), (SELECT count(*) FROM users)"
        try await applied(as: "hauspet_app") { session in
            try await session.expect(counts, "15|11|1")
            try await session.run(
                """
                SAVEPOINT work;
                INSERT INTO events (aggregate_id, aggregate_type, type, version) VALUES ('animal-12', 'animal', 'AnimalCreated', 1);
                INSERT INTO users (email, display_name, password_hash) VALUES ('b@hauspet.example', 'B', 'x');
                INSERT INTO animals (id, name, type, registered_by) SELECT 'animal-12', 'Zoe', 'CAT', max(id) FROM users;
                """)
            try await session.expect(counts, "16|12|2")
            try await session.run("ROLLBACK TO work")
            try await session.expect(counts, "15|11|1")
        }
    }

    @Test("S0.25 S0.38 S0.53 one client reaches all schemas by the old names, and reads what it wrote")
    func oneClient() async throws {
        try await applied(as: "hauspet_app") { session in
            try await session.run(
                "INSERT INTO \"public\".\"animals\" (\"id\", \"name\", \"type\", \"registered_by\") VALUES ('new', 'New', 'DOG', 1)"
            )
            try await session.expect("SELECT \"name\" FROM \"public\".\"animals\" WHERE \"id\" = 'new'", "New")
            try await session.expect("SELECT count(*) FROM \"public\".\"sponsorships\"", "2")
            try await session.expect("SELECT count(*) FROM \"public\".\"breed\"", "13")
        }
    }

    @Test("S0.40 a schema that exists is not created again")
    func schemas() async throws {
        #expect(
            try appliedPlan().steps.filter { $0.kind == .createSchema }.map(\.object) == [
                "schema eventstore", "schema readmodels",
            ])
        let again = try await #require(AppliedExample.current).plan()
        #expect(again.steps.isEmpty)
    }

    @Test("S0.41 indexes, constraints, triggers, policies and comments came along; keys point to the moved tables")
    func followers() async throws {
        try await applied { session in
            try await session.expect(
                "SELECT count(*) FROM pg_indexes WHERE schemaname IN ('eventstore', 'readmodels') AND indexname <> 'animals_type_idx'"
                    + " AND indexdef NOT LIKE '%breed_id)' AND indexdef NOT LIKE '%registered_by)' AND indexdef NOT LIKE '%user_id)'",
                "8")
            try await session.expect(
                "SELECT conname, confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND conrelid = 'readmodels.sponsorships'::regclass ORDER BY 1",
                ["sponsorships_animal_id_fkey|readmodels.animals", "sponsorships_user_id_fkey|users"])
            try await session.expect(
                "SELECT obj_description('eventstore.events'::regclass, 'pg_class')",
                "Source of truth: one row for everything that happened, never changed")
            try await session.expect(
                "SELECT polname FROM pg_policy WHERE polrelid = 'readmodels.sponsorships'::regclass ORDER BY 1",
                ["sponsorships_app", "sponsorships_report"])
            try await session.expect(
                "SELECT stxnamespace::regnamespace FROM pg_statistic_ext WHERE stxname = 'events_type_stats'",
                "eventstore")
            try await session.expect(
                "SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'sponsorship_receipt_no'", "readmodels"
            )
        }
    }

    @Test("S0.30 the declared index is built concurrently, outside a transaction")
    func concurrentIndex() async throws {
        let steps = try appliedPlan().steps.filter {
            $0.kind == .buildIndex && $0.object == "readmodels.animals_type_idx"
        }
        #expect(steps.count == 1)
        #expect(steps.allSatisfy { !$0.inTransaction && $0.statements[0].contains("CONCURRENTLY") })
        try await applied { session in
            try await session.expect(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = 'readmodels.animals_type_idx'::regclass", "t")
            try await session.refuses("CREATE INDEX CONCURRENTLY ON readmodels.animals (name)", "25001")
        }
    }

    @Test("S0.52 a stale version is refused by the function that named events without a schema")
    func staleVersion() async throws {
        try await applied(as: "hauspet_app") { session in
            try await session.expect("SELECT append_event('animal-1', 'animal', 'AnimalRenamed', 1, '{}')", "2")
            try await session.refuses("SELECT append_event('animal-1', 'animal', 'AnimalRenamed', 1, '{}')", "40001")
        }
    }

    @Test("S0.13 policies hold through the old name, and so do grants on columns")
    func rights() async throws {
        try await applied(as: "hauspet_report") { session in
            try await session.expect("SELECT count(*) FROM public.sponsorships", "2")
            try await session.refuses(
                "INSERT INTO public.animals (id, name, type, registered_by) VALUES ('x', 'x', 'DOG', 1)", "42501")
            try await session.refuses("SELECT password_hash FROM users", "42501")
            try await session.refuses("SELECT * FROM eventstore.events", "42501")
        }
        try await applied { session in
            try await session.run(
                "UPDATE readmodels.sponsorships SET active = false WHERE id = 'sponsorship-1'; SET LOCAL ROLE hauspet_report"
            )
            try await session.expect("SELECT id FROM public.sponsorships", "sponsorship-2")
        }
    }
}
