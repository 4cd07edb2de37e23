import Engine
import Planning
import PostgresDriver
import TestSupport
import Testing

/// What seed 2 claims, after KCT's layout was applied.
@Suite("KCT", .applied("kct"), .serialized)
struct KCTTests {
    @Test("S2.1 37 products, 544 variants, 3369 customers")
    func numbers() async throws {
        try await applied { session in
            try await session.expect(
                """
                SELECT (SELECT count(*) FROM tenant_shared.products), (SELECT count(*) FROM tenant_shared.product_variants),
                    (SELECT count(*) FROM tenant_kct.customers)
                """, "37|544|3369")
        }
    }

    @Test("S2.2 S2.3 S2.6 the schemas, and every listed table in its own")
    func places() async throws {
        try await applied { session in
            let tables = try await session.rows(
                """
                SELECT schemaname, string_agg(tablename, ' ' ORDER BY tablename COLLATE "C") FROM pg_tables
                 WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'strata') GROUP BY 1 ORDER BY 1
                """)
            #expect(
                tables == [
                    "analytics|customer_insights product_recommendations", "audit|audit_log change_history",
                    "public|AiAction _prisma_migrations settings users",
                    "tenant_kct|appointments customers measurements order_items orders",
                    "tenant_shared|collections product_variants products suppliers",
                ])
            try await session.expect(
                "SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'product_sales' AND relkind = 'm'",
                "cache")
        }
    }

    @Test("S2.29 nothing but what the layout leaves in public is unplaced")
    func placed() async throws {
        let unplaced = try appliedPlan().unplaced
        #expect(!unplaced.contains { $0.hasPrefix("table ") || $0.hasPrefix("view ") })
    }

    @Test("S2.4 S2.24 the application writes where the layout says, and nowhere else")
    func application() async throws {
        try await applied(as: "kct_app") { session in
            try await session.expect("SELECT count(*) FROM tenant_shared.products", "37")
            try await session.run(
                """
                INSERT INTO tenant_kct.customers (email, first_name, last_name) VALUES ('n@mail.example', 'N', 'N');
                INSERT INTO tenant_kct.orders (id, customer_id) SELECT 'new', max(id) FROM tenant_kct.customers;
                """)
            try await session.expect("SELECT order_number LIKE 'KCT-%' FROM tenant_kct.orders WHERE id = 'new'", "t")
            try await session.refuses("REFRESH MATERIALIZED VIEW cache.product_sales", "42501")
            try await session.refuses("CREATE TABLE tenant_kct.own (id integer)", "42501")
            try await session.refuses("DELETE FROM audit.audit_log", "42501")
        }
    }

    @Test("S2.5 S2.24 X3 the reader reads analytics, with later tables, and no customers")
    func reader() async throws {
        try await applied { session in
            try await session.refuses("GRANT SELECT ON SCHEMA analytics TO kct_readonly", "0LP01")
            try await session.run(
                "SET LOCAL ROLE kct_owner; CREATE TABLE analytics.later (id integer); RESET ROLE; SET LOCAL ROLE kct_readonly"
            )
            try await session.expect("SELECT count(*) FROM analytics.customer_insights", "2000")
            try await session.expect("SELECT count(*) FROM analytics.later", "0")
            try await session.refuses("SELECT * FROM tenant_kct.customers", "42501")
            try await session.refuses("DELETE FROM analytics.customer_insights", "42501")
        }
    }

    @Test("S2.12 23 foreign keys, 15 of them across schemas, all valid")
    func keys() async throws {
        try await applied { session in
            try await session.expect(
                """
                SELECT count(*), count(*) FILTER (WHERE a.relnamespace <> b.relnamespace), bool_and(convalidated)
                  FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
                 WHERE k.contype = 'f' AND a.relnamespace <> 'strata'::regnamespace
                """, "23|15|t")
            try await session.refuses("DELETE FROM tenant_shared.products", "23503")
            try await session.refuses("UPDATE tenant_kct.orders SET customer_id = -1", "23503")
        }
    }

    @Test("S2.6 the default that finds its sequence by text keeps working, where the sequence stays")
    func textDefault() async throws {
        try await applied(as: "kct_app") { session in
            try await session.run("INSERT INTO orders (id, customer_id) VALUES ('a', 1)")
            try await session.expect("SELECT next_order_number() LIKE 'KCT-%'", "t")
        }
    }
}

@Suite("KCT otherwise")
struct KCTPlanTests {
    @Test("S2.14 search_path of the database: new sessions only, said to be so, and undone by the rollback")
    func searchPath() async throws {
        let example = try Example.named("kct")
        let layout = example.layout.replacing("compatibility: views", with: "compatibility: search_path")
        try await Reorganisation.with("kct", before: example.before, layout: layout) { work in
            let before = try await work.catalog()
            let plan = try await work.plan()
            #expect(!plan.steps.contains { $0.kind == .createShim })
            #expect(plan.hazards.contains { $0.code == .oldNameFails && $0.message.contains("new sessions only") })
            let old = try await work.database.connect()
            try await work.apply(plan)
            #expect(try await work.plan().steps.isEmpty)

            let open = Session(connection: old)
            try await old.execute("BEGIN")
            try await open.refuses("SELECT FROM products", "42P01", "an open session keeps the old path")
            await old.close()
            try await work.session(as: "kct_app") { session in
                let path = try await session.value("SHOW search_path")
                #expect(path == "\"$user\", public, tenant_shared, tenant_kct, analytics, cache, audit")
                try await session.expect("SELECT count(*) FROM products", "37")
                try await session.refuses("SELECT * FROM \"public\".\"products\"", "42P01")
            }
            try await work.rollback()
            #expect(try await work.catalog().fingerprint == before.fingerprint)
            try await work.session { session in
                try await session.expect("SHOW search_path", "\"$user\", public")
            }
        }
    }

    @Test("S2.28 rolling back takes all thirteen tables home, not four")
    func rollback() async throws {
        try await Example.named("kct").with { work in
            try await work.apply(try await work.plan())
            try await work.rollback()
            try await work.session { session in
                try await session.expect("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "17")
                try await session.expect("SELECT count(*) FROM pg_views WHERE schemaname = 'public'", "1")
            }
        }
    }
}
