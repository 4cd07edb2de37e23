import PostgresDriver
import TestSupport
import Testing

@testable import StrataDatabases

@Suite("A schema's own URL", .timeLimit(.minutes(2)))
struct SchemaURLTests {
    @Test("the variable's name is the schema's, in capitals")
    func names() {
        #expect(SchemaURL.variable(for: "eventstore") == "EVENTSTORE_DB_URL")
        #expect(SchemaURL.variable(for: "tenant_kct") == "TENANT_KCT_DB_URL")
        #expect(SchemaURL.variable(for: "Read-Models é") == "READ_MODELS___DB_URL")
    }

    @Test("S0.39: it is honoured: the schema has a client of its own, with what the URL says")
    func honoured() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory([
                "BILLING_DB_URL": fixture.url(fixture.main, application: "billing-client"), "AUDIT_DB_URL": "",
            ])
            let name = "SELECT current_setting('application_name')"
            let own: String = try await factory.schema("billing").query(name).only().value(0)
            #expect(own == "billing-client")
            let other: String = try await factory.schema("public").query(name).only().value(0)
            #expect(other != "billing-client")
            #expect(factory.poolCount == 2)
            await factory.close()
        }
    }

    @Test("the URL that the layout gives the database makes no second pool")
    func sameText() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory(["BILLING_DB_URL": fixture.url(fixture.main)])
            #expect(try await place(factory.schema("billing")) == "main")
            _ = try await factory.schema("public").query("SELECT 1")
            #expect(factory.poolCount == 1)
            await factory.close()
        }
    }

    @Test("it does not pass a switch by: it is used while the schema lives in the database that it leads to")
    func followsASwitch() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let url = try fixture.url(fixture.archive, application: "audit-client")
            let factory = try await fixture.factory(["AUDIT_DB_URL": url])
            let audit = try factory.schema("audit")
            #expect(try await place(audit) == "main")
            #expect(fixture.events.all.contains(.urlNotUsed(variable: "AUDIT_DB_URL", schema: "audit", home: "main")))
            try await fixture.route("audit", to: "archive", epoch: 2)
            try await eventually { audit.database == "archive" }
            let row = try await audit.query("SELECT name, current_setting('application_name') AS client FROM place")
                .only()
            #expect(try row.value("name") == "archive")
            #expect(try row.value("client") == "audit-client")
            await factory.close()
        }
    }

    @Test("one that leads to none of the layout's databases is refused")
    func foreign() async throws {
        try await FactoryFixture.with { fixture in
            try await withTestDatabase("factory_other") { other in
                try await other.execute("CREATE SCHEMA billing; CREATE TABLE billing.place AS SELECT 'other' AS name")
                let factory = try await fixture.factory(["BILLING_DB_URL": fixture.url(other)])
                let error = try await failure(FactoryError.self) { _ = try await place(factory.schema("billing")) }
                guard case .foreignURL(let variable, let leadsTo, "billing", "main", _) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(variable == "BILLING_DB_URL" && leadsTo.hasSuffix("/\(other.name)"))
                await factory.close()
            }
        }
    }

    @Test("one that could be meant for two schemas, and one that is none, are refused")
    func unusable() async throws {
        let layout = "strata: 1\nschemas: { a-b: { tables: [t] }, a_b: { tables: [u] } }"
        await #expect(throws: FactoryError.ambiguousVariable("A_B_DB_URL", schemas: ["a-b", "a_b"])) {
            _ = try await DatabaseFactory(layoutText: layout, environment: ["A_B_DB_URL": "host=x"])
        }
        let bad = try await failure(FactoryError.self) {
            _ = try await DatabaseFactory(
                layoutText: "strata: 1\nschemas: { a: { tables: [t] } }", environment: ["A_DB_URL": "host=x prt=1"])
        }
        #expect("\(bad)".hasPrefix("A_DB_URL is not a connection string"))
    }
}
