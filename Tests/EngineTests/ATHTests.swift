import Engine
import Planning
import TestSupport
import Testing

/// What seed 4 claims, after ATH's layout was applied.
@Suite("ATH", .applied("ath"), .serialized)
struct ATHTests {
    @Test("S4.60 S4.61 of fourteen indexes eleven are built, concurrently, and three are said to be redundant")
    func indexes() async throws {
        let plan = try appliedPlan()
        let redundant = plan.notes.filter { $0.code == "redundant-index" }
        #expect(
            redundant.map(\.object).sorted()
                == ["auth.\"Session\"", "contractors.\"ContractorRanking\"", "notifications.\"ScheduledNotification\""])
        let built = plan.steps.filter { $0.kind == .buildIndex && $0.reason == "the layout declares it" }
        #expect(built.count == 11)
        #expect(
            built.allSatisfy {
                $0.statements.count == 1 && $0.statements[0].contains("INDEX CONCURRENTLY") && !$0.inTransaction
            })
        #expect(built.allSatisfy { $0.locks.map(\.mode) == ["SHARE UPDATE EXCLUSIVE"] }, "writes go on")
    }

    @Test(
        "S4.60 S4.61 S4.62 the named queries use them, by the old names too",
        arguments: [
            ("\"Project\" WHERE status = 'OPEN' ORDER BY \"publishedAt\" DESC", "Project_status_publishedAt_idx"),
            ("\"Project\" WHERE \"regionId\" = 'd1' AND status = 'OPEN'", "Project_regionId_status_idx"),
            ("\"Project\" WHERE \"categoryId\" = 'category1' AND status = 'OPEN'", "Project_categoryId_status_idx"),
            (
                "\"ContractorRanking\" WHERE \"isFeatured\" ORDER BY \"totalScore\" DESC",
                "ContractorRanking_isFeatured_totalScore_idx"
            ),
            (
                "\"Notification\" WHERE \"userId\" = 'user1' AND \"isRead\" = false ORDER BY \"createdAt\" DESC",
                "Notification_userId_isRead_createdAt_idx"
            ),
            (
                "\"Review\" WHERE \"contractorId\" = 'user401' AND \"isDeleted\" = false ORDER BY \"createdAt\" DESC",
                "Review_contractorId_isDeleted_createdAt_idx"
            ),
            ("\"Bid\" WHERE \"contractorId\" = 'user401' AND status = 'PENDING'", "Bid_contractorId_status_idx"),
            (
                "\"AuditLog\" WHERE \"eventType\" = 'LOGIN' ORDER BY \"createdAt\" DESC",
                "AuditLog_eventType_createdAt_idx"
            ),
            ("\"Session\" WHERE \"tokenSelector\" = 'x'", "Session_tokenSelector_key"),
            ("\"Session\" WHERE \"userId\" = 'user1' AND \"expiresAt\" > now()", "Session_userId_expiresAt_idx"),
        ])
    func used(query: String, index: String) async throws {
        try await applied { session in
            try await session.run(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
            let plan = try await session.value("EXPLAIN SELECT * FROM \(query)")
            #expect(plan.contains("\"\(index)\""), "\(plan)")
        }
    }

    @Test("X6 S4.36 mixed-case names, a cycle of keys and a self-reference work by both names")
    func names() async throws {
        try await applied(as: "ath_app") { session in
            try await session.expect(
                "SELECT count(*) FROM contractors.\"_ContractorSkills\" WHERE \"A\" = 'contractor1'", "3")
            try await session.expect(
                "SELECT count(*) FROM \"public\".\"_ContractorSkills\" WHERE \"A\" = 'contractor1'", "3")
            try await session.run(
                """
                INSERT INTO "Project" (id, code, title, "ownerId", "regionId", "categoryId") VALUES ('p', 'P', 'P', 'user1', 'd1', 'category1');
                INSERT INTO "Bid" (id, code, "projectId", "contractorId", price) VALUES ('b', 'B', 'p', 'user401', 1);
                UPDATE "Project" SET "selectedBidId" = 'b' WHERE id = 'p';
                """)
            try await session.refuses("UPDATE \"Project\" SET \"selectedBidId\" = 'none' WHERE id = 'p'", "23503")
            try await session.refuses("INSERT INTO geo.\"Region\" VALUES ('x', 'X', 'x', 1, 'nowhere')", "23503")
            try await session.run("DELETE FROM marketplace.\"Project\" WHERE id = 'p'")
            try await session.expect("SELECT count(*) FROM \"Bid\" WHERE id = 'b'", "0", "ON DELETE CASCADE")
            try await session.expect("SELECT \"regionPath\"('w1')", "Province 3 / District 2 / Ward 1")
        }
    }

    @Test("S4.20 S0.3 the audit log is only appended to")
    func audit() async throws {
        try await applied(as: "ath_app") { session in
            try await session.run("INSERT INTO \"AuditLog\" (id, \"eventType\") VALUES ('a', 'LOGIN')")
            try await session.refuses("DELETE FROM \"AuditLog\" WHERE id = 'a'", "42501")
            try await session.refuses("UPDATE auth.\"AuditLog\" SET metadata = NULL", "42501")
        }
    }

    @Test("S4.31 an enum that moved is cast to by its old name, but not compared, and the plan says so")
    func types() async throws {
        let told = try appliedPlan().hazards.filter { $0.object == "public.\"EscrowState\"" }
        #expect(told.map(\.code) == [.shimInsufficient])
        try await applied(as: "ath_app") { session in
            try await session.run("UPDATE \"Escrow\" SET state = CAST('HELD'::text AS \"public\".\"EscrowState\")")
            try await session.refuses(
                "UPDATE \"Escrow\" SET state = CAST('NONE'::text AS \"public\".\"EscrowState\")", "22P02")
            try await session.expect("SELECT count(*) FROM \"Escrow\" WHERE state = 'HELD'", "120")
            try await session.refuses(
                "SELECT 1 FROM \"Escrow\" WHERE state = CAST('HELD'::text AS \"public\".\"EscrowState\")", "42883")
            try await session.expect(
                "SELECT count(*) FROM \"Escrow\" WHERE state = CAST('HELD'::text AS billing.\"EscrowState\")", "120")
        }
    }

    @Test("S1.11 row security holds through the old name")
    func rowSecurity() async throws {
        try await applied(as: "ath_support") { session in
            let old = try await session.value("SELECT count(*) FROM \"Message\"")
            try await session.expect("SELECT count(*) FROM messaging.\"Message\"", old)
            #expect(old != "1200")
            try await session.refuses("DELETE FROM \"Message\"", "42501")
        }
    }
}

/// What seed 3 claims of its tables, after EventFlow's layout was applied.
@Suite("EventFlow", .applied("eventflow"), .serialized)
struct EventFlowTests {
    @Test("S3.7 ingest authenticates through an index on key_hash")
    func keyHash() async throws {
        try await applied { session in
            try await session.run("SET LOCAL enable_seqscan = off")
            let plan = try await session.value("EXPLAIN SELECT * FROM api_keys WHERE key_hash = 'x'")
            #expect(plan.contains("api_keys_key_hash_idx"), "\(plan)")
        }
    }

    @Test("S3.11 S3.19 the partitions followed their parent, rows land in them, and queries prune")
    func partitions() async throws {
        try await applied(as: "eventflow_app") { session in
            try await session.expect(
                "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'events\\_2025%'", ["streams"])
            try await session.expect(
                """
                INSERT INTO streams.events (id, stream_id, payload, created_at) VALUES (gen_random_uuid(), md5('stream 3')::uuid, '{}', '2025-02-14')
                RETURNING tableoid::regclass
                """, "streams.events_2025_02")
            let plan = try await session.value(
                "EXPLAIN SELECT * FROM public.events WHERE created_at >= '2025-03-01' AND created_at < '2025-04-01'")
            #expect(plan.contains("events_2025_03") && !plan.contains("events_2025_02"))
        }
    }

    @Test("S3.17 events and each of their partitions are only appended to", arguments: ["eventflow_app", nil])
    func appendOnly(role: String?) async throws {
        try await applied(as: role) { session in
            for name in ["public.events", "streams.events", "streams.events_2025_01", "public.events_2025_01"] {
                try await session.refuses("UPDATE \(name) SET payload = '{}'", "42501", "\(name)")
                try await session.refuses("DELETE FROM \(name)", "42501", "\(name)")
            }
            try await session.refuses("TRUNCATE streams.events", "42501")
            try await session.refuses("TRUNCATE streams.events_2025_06", "42501")
        }
    }
}
