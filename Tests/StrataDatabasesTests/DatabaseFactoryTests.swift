import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import StrataDatabases

@Suite("Database factory", .timeLimit(.minutes(2)))
struct DatabaseFactoryTests {
    @Test("S0.39: one handle for each schema and role, one pool for each database")
    func handlesAndPools() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory()
            try await fixture.route("audit", to: "archive", epoch: 1)
            #expect(try factory.schema("audit") === factory.schema("audit"))
            #expect(try factory.schema("audit") !== factory.schema("billing"))
            #expect(try factory.schema("audit", role: "auditor") !== factory.schema("audit"))
            #expect(try factory.database("archive") === factory.database("archive"))
            try await eventually { try factory.schema("audit").database == "archive" }
            #expect(try await place(factory.schema("audit")) == "archive")
            #expect(try await place(factory.schema("billing")) == "main")
            try await factory.database("archive").withConnection { connection in
                let name = try await connection.query("SELECT current_database()").only().value(0, as: String.self)
                #expect(name == fixture.archive.name)
            }
            #expect(factory.poolCount == 2)
            await factory.close()
        }
    }

    @Test("S2.20: products of tenant_shared and customers of tenant_kct by one pool, however many schemas there are")
    func schemasShareAPool() async throws {
        try await withTestDatabase("factory_tenants") { database in
            let tenants = (1...20).map { "tenant_\($0)" }
            var sql = "CREATE SCHEMA tenant_shared; CREATE TABLE tenant_shared.products AS SELECT 'soap' AS name;"
            for tenant in tenants + ["tenant_kct"] {
                sql += "CREATE SCHEMA \(tenant); CREATE TABLE \(tenant).customers AS SELECT '\(tenant)' AS name;"
            }
            try await database.execute(sql)
            let schemas = tenants.map { "  \($0): { tables: [{ table: customers, from: \($0) }] }" }.joined(
                separator: "\n")
            let layout = """
                strata: 1
                databases: { main: { url: "${DATABASE_URL}" } }
                schemas:
                  tenant_shared: { tables: [products] }
                  tenant_kct: { tables: [{ table: customers, from: tenant_kct }] }
                \(schemas)
                """
            var options = FactoryOptions()
            options.poolSize = 3
            let factory = try await DatabaseFactory(
                layoutText: layout, environment: ["DATABASE_URL": database.settings.keywordText(withPassword: true)],
                options: options)
            let product = try await factory.schema("tenant_shared").query("SELECT name FROM products").only()
            #expect(try product.value("name") == "soap")
            let customer = try await factory.schema("tenant_kct").query("SELECT name FROM customers").only()
            #expect(try customer.value("name") == "tenant_kct")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for tenant in tenants + tenants {
                    let schema = try factory.schema(tenant)
                    group.addTask {
                        let name: String = try await schema.query("SELECT name FROM customers").only().value("name")
                        #expect(name == tenant)
                    }
                }
                try await group.waitForAll()
            }
            #expect(factory.poolCount == 1)
            #expect(await factory.openConnections() <= 3)
            await factory.close()
        }
    }

    @Test("what one use set, locked or left open does not reach the next")
    func usesAreApart() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory([:], fixture.options { $0.poolSize = 1 })
            let billing = try factory.schema("billing")
            let first = try await billing.withConnection { connection in
                try await connection.execute("SET search_path TO pg_catalog; CREATE TEMP TABLE t (n int); BEGIN")
                return connection.backendPID
            }
            try await billing.withConnection { connection in
                #expect(connection.backendPID == first)
                let row = try await connection.query(
                    "SELECT current_setting('search_path') AS path, to_regclass('pg_temp.t') IS NULL AS gone"
                ).only()
                #expect(try row.value("path") == "billing, public")
                #expect(try row.value("gone"))
            }
            await factory.close()
        }
    }

    @Test("a pool whose connections all stay in use says so")
    func exhausted() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory(
                [:],
                fixture.options { options in
                    options.poolSize = 1
                    options.acquireTimeout = .milliseconds(10)
                })
            let error = try await failure(DatabaseError.self) {
                try await factory.schema("billing").withConnection { _ in
                    _ = try await place(factory.schema("public"))
                }
            }
            #expect(error.kind == .poolExhausted && error.message.hasPrefix("all 1 connections"))
            await factory.close()
        }
    }

    @Test("a connection that was taken out of its closure refuses everything")
    func escapedConnection() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory()
            let escaped = try await factory.schema("billing").withConnection { $0 }
            let error = try await failure(DatabaseError.self) { try await escaped.query("SELECT 1") }
            #expect(error.kind == .closed)
            await factory.close()
        }
    }

    @Test("a role of the layout has its own rights")
    func roles() async throws {
        try await FactoryFixture.with { fixture in
            let role = "auditor_\(UInt32.random(in: 0...UInt32.max))"
            let layout = FactoryFixture.layout.replacing("auditor:", with: "\(role):")
            try await fixture.control.execute("CREATE ROLE \(role)")
            do {
                let factory = try await fixture.factory(layout: layout)
                try await fixture.route("audit", to: "main", epoch: 1)
                try await eventually { try factory.schema("audit").database == "main" }
                let refused = try await failure(DatabaseError.self) {
                    _ = try await place(factory.schema("audit", role: role))
                }
                #expect(refused.sqlState == "42501" || refused.sqlState == "42P01")
                try await fixture.control.execute("GRANT USAGE ON SCHEMA audit TO \(role)")
                try await fixture.control.execute("GRANT SELECT ON audit.place TO \(role)")
                #expect(try await place(factory.schema("audit", role: role)) == "main")
                #expect(throws: FactoryError.roleWithoutRights(role: role, schema: "billing")) {
                    try factory.schema("billing", role: role)
                }
                await factory.close()
            } catch { Issue.record(error) }
            try await fixture.control.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }

    @Test("names that the layout does not have, and layouts that cannot be used, are said")
    func mistakes() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory()
            let known = ["audit", "billing", "public"]
            #expect(throws: FactoryError.unknownSchema("adit", known: known)) { try factory.schema("adit") }
            #expect(throws: FactoryError.unknownDatabase("books", known: ["main", "archive"])) {
                try factory.database("books")
            }
            await factory.close()
            let closed = try await failure(DatabaseError.self) { _ = try await place(factory.schema("billing")) }
            #expect(closed.kind == .closed)
        }
        let missing = try await failure(FactoryError.self) {
            _ = try await DatabaseFactory(layout: "/nowhere/strata.yaml", environment: [:])
        }
        #expect("\(missing)".contains("/nowhere/strata.yaml"))
        let refused = try await failure(FactoryError.self) {
            _ = try await DatabaseFactory(layoutText: "strata: 1\nschemes: {}\n", environment: [:])
        }
        #expect("\(refused)".contains("schemes") && "\(refused)".contains("layout:2"))
        let unset = try await DatabaseFactory(
            layoutText: "strata: 1\ndatabases: { main: { url: \"${SHOP_URL}\" } }\nschemas: { a: { tables: [t] } }",
            environment: [:])
        await #expect(throws: FactoryError.noURL(database: "main", variable: "SHOP_URL")) {
            _ = try await place(unset.schema("a"))
        }
    }

    @Test("passwords are in no error, event or description")
    func secrets() async throws {
        let secret = "hush-hush-7"
        let port = try FakeServer.freePort()
        var texts: [String] = []
        for url in ["host=127.0.0.1 port=\(port) user=u password=\(secret)", "postgresql://u:\(secret)/x@h:99999999/d"]
        {
            var options = FactoryOptions()
            let events = EventLog()
            options.onEvent = { events.add($0) }
            do {
                _ = try await DatabaseFactory(
                    layoutText: FactoryFixture.layout, environment: ["DATABASE_URL": url, "ARCHIVE_URL": url],
                    options: options)
                Issue.record("no server should have answered")
            } catch { texts += ["\(error)", String(reflecting: error)] }
            texts += events.all.map { "\($0)" }
        }
        try await FactoryFixture.with { fixture in
            let elsewhere = try fixture.main.settings.settings(["dbname": "postgres"]).keywordText(withPassword: false)
            let own = elsewhere + " password=\(secret)"
            let factory = try await fixture.factory(["BILLING_DB_URL": own])
            let billing = try factory.schema("billing")
            do { _ = try await place(billing) } catch { texts += ["\(error)", String(reflecting: error)] }
            let error = try await failure(DatabaseError.self) {
                try await factory.database("main").withConnection {
                    try await $0.execute("ALTER ROLE nobody_at_all PASSWORD '\(secret)'")
                }
            }
            texts += ["\(error)", String(reflecting: error), String(reflecting: billing), String(reflecting: factory)]
            var dumped = ""
            dump(billing, to: &dumped, maxItems: 2000)
            dump(factory, to: &dumped, maxItems: 2000)
            texts.append(dumped)
            await factory.close()
        }
        #expect(texts.count >= 8)
        for text in texts { #expect(!text.contains(secret), "\(text)") }
    }

    @Test("a shared factory is made once, and made again after it failed")
    func shared() async throws {
        let layout = "strata: 1\nschemas: { a: { tables: [t] } }"
        let shared = SharedFactory()
        struct NotYet: Error {}
        await #expect(throws: NotYet.self) { _ = try await shared.factory { throw NotYet() } }
        async let first = shared.factory { try await DatabaseFactory(layoutText: layout, environment: [:]) }
        async let second = shared.factory { try await DatabaseFactory(layoutText: layout, environment: [:]) }
        let both = try await [first, second]
        #expect(both[0] === both[1])
    }
}
