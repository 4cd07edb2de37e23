import Engine
import Planning
import PostgresDriver
import TestSupport
import Testing

/// What seed 1 claims, after Project Phoenix's layout was applied.
@Suite("Phoenix", .applied("phoenix"), .serialized)
struct PhoenixTests {
    static let schemas = [
        "active", "activities", "audit", "auth", "config", "education", "facilities", "feedback", "iot", "schedule",
        "users",
    ]

    @Test("S1.8 S1.15 the eleven schemas, created before anything moves")
    func schemas() async throws {
        let steps = try appliedPlan().steps
        let last = try #require(steps.lastIndex { $0.kind == .createSchema })
        let first = try #require(
            steps.firstIndex { $0.kind == .moveTable || $0.kind == .moveType || $0.kind == .moveSequence })
        #expect(last < first)
        #expect(steps.filter { $0.kind == .createSchema }.map(\.object).sorted() == Self.schemas.map { "schema \($0)" })
        try await applied { session in
            let found = try await session.rows(
                "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN "
                    + "('information_schema', 'public', 'legacy', 'app', 'strata') ORDER BY 1")
            #expect(found == Self.schemas)
        }
    }

    @Test("S1.9 S1.41 forty tables, none of them left in public, legacy or app")
    func tables() async throws {
        try await applied { session in
            try await session.expect(
                "SELECT schemaname, count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'strata') GROUP BY 1 ORDER BY 1",
                [
                    "active|4", "activities|4", "audit|2", "auth|5", "config|2", "education|3", "facilities|3",
                    "feedback|2",
                    "iot|2", "schedule|4", "users|9",
                ])
        }
    }

    @Test("S1.10 S1.11 S1.12 S1.13 keys across schemas reject orphans both ways, and exist once")
    func keys() async throws {
        try await applied { session in
            try await session.refuses("UPDATE education.groups SET room_id = 999 WHERE id = 1", "23503")
            try await session.refuses("DELETE FROM facilities.rooms WHERE id = 1", "23503")
            try await session.refuses("UPDATE users.students SET group_id = 999 WHERE id = 1", "23503")
            try await session.refuses("DELETE FROM education.groups WHERE id = 1", "23503")
            try await session.expect(
                "SELECT conname, confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND conrelid IN "
                    + "('education.groups'::regclass, 'users.students'::regclass) ORDER BY 1",
                ["fk_group|education.groups", "fk_room|facilities.rooms", "students_person_id_fkey|users.persons"])
        }
    }

    @Test("S1.11 the referential checks run with the owner's rights, who may use the new schemas")
    func ownersUsage() async throws {
        try await applied(as: "phoenix_app") { session in
            try await session.run("INSERT INTO users.students (person_id, group_id, grade) VALUES (400, 1, 1)")
            try await session.run("INSERT INTO students (person_id, group_id, grade) VALUES (401, 1, 1)")
            try await session.refuses("DELETE FROM facilities.rooms WHERE id = 1", "23503")
        }
    }

    @Test("S1.14 three tables called groups and two called settings, each behind its own old name")
    func sameNames() async throws {
        try await applied(as: "phoenix_app") { session in
            for (old, new, rows) in [
                ("public.groups", "education.groups", "12"), ("legacy.groups", "active.groups", "80"),
                ("app.groups", "activities.groups", "25"), ("public.settings", "config.settings", "20"),
                ("legacy.settings", "users.settings", "60"),
            ] {
                try await session.expect("SELECT count(*) FROM \(old)", rows, "\(old)")
                try await session.expect(
                    "SELECT (SELECT array_agg(t::text ORDER BY id) FROM \(old) t) = (SELECT array_agg(t::text ORDER BY id) FROM \(new) t)",
                    "t", "\(old) is \(new)")
            }
            // Without a schema it is the one that it was before.
            try await session.expect("SELECT count(*) FROM groups", "12")
            try await session.expect("SELECT group_name FROM group_presence(3)", "Class 3")
        }
    }

    @Test("S1.17 S1.18 S1.19 S1.20 S1.21 a quoted alias works, an unquoted one is a syntax error")
    func alias() async throws {
        try await applied(as: "phoenix_app") { session in
            for name in ["education.groups", "groups"] {
                try await session.expect("SELECT count(\"group\".id) FROM \(name) AS \"group\"", "12")
                try await session.refuses("SELECT group.id FROM \(name) AS group", "42601")
                try await session.run(
                    "UPDATE \(name) AS \"group\" SET name = name WHERE \"group\".id = 1; DELETE FROM \(name) AS \"group\" WHERE \"group\".id = -1"
                )
            }
            try await session.expect(
                "SELECT \"room\".name FROM groups AS \"group\" LEFT JOIN rooms AS \"room\" ON \"room\".id = \"group\".room_id WHERE \"group\".id = 1",
                "Room 1")
        }
    }

    @Test("S1.23 keys of active that cross schemas have an index")
    func indexes() async throws {
        try await applied { session in
            let uncovered = try await session.rows(
                """
                SELECT k.conname FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
                 WHERE k.contype = 'f' AND a.relnamespace <> b.relnamespace AND a.relnamespace <> 'strata'::regnamespace
                   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                       AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
                """)
            #expect(uncovered == [])
            try await session.run("SET LOCAL enable_seqscan = off")
            for (table, column, index) in [
                ("active.groups", "education_group_id", "idx_active_groups_education_group_id"),
                ("active.visits", "student_id", "idx_active_visits_student_id"),
            ] {
                let plan = try await session.value("EXPLAIN SELECT * FROM \(table) WHERE \(column) = 3")
                #expect(plan.contains(index), "\(plan)")
            }
        }
    }

    @Test("S1.30 a teacher reads education and facilities, joined, and tables that are created later")
    func teacher() async throws {
        let read = """
            SELECT count(*) FROM education.groups g JOIN facilities.rooms r ON r.id = g.room_id
            """
        try await applied(as: "phoenix_teacher") { session in
            try await session.expect(read, "12")
            try await session.refuses("UPDATE education.groups SET name = name", "42501")
            try await session.refuses("SELECT * FROM users.persons", "42501")
        }
        // Default privileges are those of whoever makes the table: the tables' owner, and the role that ran Strata.
        for maker in ["phoenix_owner", nil] {
            try await applied(as: maker) { session in
                try await session.run(
                    "CREATE TABLE education.timetable (id integer); RESET ROLE; SET LOCAL ROLE phoenix_teacher")
                try await session.expect("SELECT count(*) FROM education.timetable", "0")
            }
        }
    }

    @Test("S1.5 S1.31 S1.32 X3 audit is closed to teachers and readable for admins, who need USAGE and SELECT")
    func audit() async throws {
        try await applied(as: "phoenix_teacher") { session in
            try await session.refuses("SELECT * FROM audit.data_deletions", "42501")
            try await session.expect("SELECT has_schema_privilege('audit', 'USAGE')", "f")
        }
        try await applied(as: "phoenix_admin") { session in
            try await session.expect("SELECT count(*) FROM audit.data_deletions", "25")
            try await session.refuses(
                "INSERT INTO audit.data_deletions (entity_type, entity_id, deleted_by) VALUES ('x', 1, 1)", "42501")
        }
        try await applied { session in
            try await session.refuses("GRANT SELECT ON SCHEMA audit TO phoenix_admin", "0LP01")
            try await session.run(
                "SET LOCAL ROLE phoenix_owner; CREATE TABLE audit.later (id integer); SET LOCAL ROLE phoenix_admin")
            try await session.expect("SELECT count(*) FROM audit.later", "0")
        }
    }

    @Test("S1.36 S1.40 a deletion is dated by default, outlives the student, and is never changed")
    func deletions() async throws {
        try await applied { session in
            try await session.expect(
                "INSERT INTO audit.data_deletions (entity_type, entity_id, deleted_by) VALUES ('Student', 7, 1) RETURNING deleted_at = now()::timestamp",
                "t")
            try await session.expect(
                "SELECT count(*) FROM pg_constraint WHERE conrelid = 'audit.data_deletions'::regclass AND contype = 'f' AND confdeltype <> 'a'",
                "0")
            try await session.run(
                "DELETE FROM users.persons WHERE id = (SELECT person_id FROM users.students WHERE id = 7)")
            try await session.expect("SELECT count(*) FROM users.students WHERE id = 7", "0")
            try await session.expect(
                "SELECT count(*) FROM audit.data_deletions WHERE entity_type = 'Student' AND entity_id = 7", "1")
            try await session.refuses("DELETE FROM audit.data_deletions", "42501")
            try await session.refuses("DELETE FROM public.data_deletions", "42501")
        }
    }

    @Test("S1.1 S1.2 a function that needs three schemas and a view over four give what they gave")
    func joins() async throws {
        try await applied(as: "phoenix_app") { session in
            try await session.expect("SELECT count(*) > 0 FROM supervisor_dashboard", "t")
            try await session.expect(
                "SELECT (SELECT count(*) FROM public.supervisor_dashboard) = (SELECT count(*) FROM active.supervisor_dashboard)",
                "t")
            try await session.expect("SELECT student_full_name(1)", "First61 Last61")
            try await session.expect("SELECT check_in(1, 80, 1) > 4000", "t")
        }
    }

    @Test("S1.46 columns keep their types: TIMESTAMP stays without a time zone, for the application reads it so")
    func timestamps() async throws {
        try await applied { session in
            try await session.expect(
                "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'active' AND data_type = 'timestamp with time zone'",
                "0")
        }
    }
}

@Suite("Phoenix before")
struct PhoenixPlanTests {
    @Test("S1.16 rolling back drops no table, unlike DROP SCHEMA … CASCADE")
    func rollbackKeeps() async throws {
        try await Example.named("phoenix").with { work in
            let plan = try await work.plan()
            for step in plan.steps {
                #expect(!step.undo.contains { $0.contains("CASCADE") || $0.contains("DROP TABLE") }, "\(step.object)")
            }
            try await work.apply(plan)
            // A table that somebody made meanwhile: rollback says so instead of dropping it.
            try await work.connection.execute("CREATE TABLE education.made_meanwhile (id integer)")
            await #expect(throws: EngineFailure.self) { try await work.rollback() }
            try await work.connection.execute("DROP TABLE education.made_meanwhile")
            try await work.rollback()
            try await work.session { session in
                try await session.expect("SELECT count(*) FROM public.visits", "4000")
                try await session.expect("SELECT to_regnamespace('education')", "")
            }
        }
    }

    @Test("S1.14 groups without from: is refused, and says which there are")
    func ambiguous() async throws {
        let example = try Example.named("phoenix")
        let layout = example.layout.replacing("{ table: groups, from: public }", with: "groups")
            .replacing("{ table: groups, from: app }", with: "activities_of_app_have_groups")
            .replacing("{ table: groups, from: legacy }", with: "groups_of_legacy")
        try await Reorganisation.with("phoenix", before: example.before, layout: layout) { work in
            let error = await #expect(throws: DiagnosticsError.self) { try await work.plan() }
            let found = try #require(error?.diagnostics.first { $0.code == "ambiguous-name" })
            #expect(found.message.contains("app, legacy, public"))
            #expect(found.nextStep?.contains("from: ") == true)
        }
    }
}
