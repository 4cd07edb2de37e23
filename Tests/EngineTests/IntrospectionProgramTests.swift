import Engine
import Planning
import PostgresDriver
import TestSupport
import Testing

/// Views, functions, types, policies, replication and what else stands around tables.
@Suite struct IntrospectionProgramTests {
    private func check(_ body: (Catalog, CatalogLookup, IntrospectionDatabase) async throws -> Void) async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything) { database in
            let catalog = try await database.catalog()
            try await body(catalog, CatalogLookup(catalog), database)
        }
    }

    @Test func readsViewsAndRules() async throws {
        try await check { catalog, lookup, _ in
            let names = try #require(lookup.relation(schema: "shop", name: "names"))
            #expect(names.kind == .view && names.options == ["security_barrier=true"])
            #expect(names.definition?.contains("FROM shop.animals") == true)
            let totals = try #require(lookup.relation(schema: "shop", name: "totals"))
            #expect(totals.kind == .materialisedView && totals.definition?.contains("FROM shop.visits") == true)
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            let shim = try #require(lookup.shim(in: "public", for: animals.oid))
            #expect(lookup.isShim(.relation, shim.oid) && !lookup.isShim(.relation, names.oid))
            let dependents = Set(lookup.dependents(on: ObjectReference(.relation, animals.oid)).map(\.dependent))
            #expect(
                dependents.isSuperset(of: [ObjectReference(.relation, names.oid), ObjectReference(.relation, shim.oid)])
            )
            let base = try #require(lookup.relation(schema: "shop", name: "base"))
            let rule = try #require(lookup.rules(of: base.oid).first)
            #expect(rule.name == "quiet" && rule.definition.contains("DO INSTEAD NOTHING") && rule.enabled == "O")
        }
    }

    @Test func readsFunctions() async throws {
        try await check { catalog, lookup, _ in
            func function(_ name: String) throws -> Function {
                try #require(lookup.functions(schema: "shop", name: name).first)
            }
            let total = try function("total")
            #expect(total.identityArguments == "first integer, second integer, OUT result numeric")
            #expect(total.arguments.contains("DEFAULT 2") && total.inputTypes == ["integer", "integer"])
            #expect(total.hasOutArguments && total.isStrict && total.volatility == .stable && total.parallel == "s")
            #expect(total.searchPathSetting == "shop, public" && total.source.contains("FROM animals"))
            #expect(total.definition.hasPrefix("CREATE OR REPLACE FUNCTION shop.total(") && !total.bindsByOID)
            #expect(total.argumentNames == ["first", "second", "result"] && total.argumentModes == "iio")
            #expect(total.cost == 100 && total.rows == 0)
            let bound = try function("bound")
            #expect(bound.bindsByOID && bound.source.isEmpty && bound.definition.contains("FROM shop.animals"))
            #expect(bound.isSecurityDefiner && !bound.grants.contains { $0.grantee == 0 })
            let variadic = try function("any_of")
            #expect(variadic.isVariadic && variadic.isPolymorphic && variadic.returnsSet)
            #expect(variadic.argumentModes == "v" && variadic.rows == 1000)
            let clean = try function("clean")
            #expect(clean.kind == .procedure && clean.result == nil && clean.language == "plpgsql")
            let sum = try function("sum_up")
            #expect(sum.kind == .aggregate && sum.definition.isEmpty)
            #expect(try function("touch").returnsTrigger && function("touch").grants.contains { $0.grantee == 0 })
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            #expect(
                lookup.dependents(on: ObjectReference(.relation, animals.oid))
                    .contains { $0.dependent == ObjectReference(.function, bound.oid) })
        }
    }

    @Test func readsTriggersAndPolicies() async throws {
        try await check { catalog, lookup, database in
            let year = try #require(lookup.relation(schema: "shop", name: "visits_2025"))
            let trigger = try #require(lookup.triggers(of: year.oid).first)
            #expect(trigger.name == "touched" && trigger.enabled == "A")
            #expect(trigger.definition.contains("ON shop.visits_2025") && trigger.definition.contains("WHEN"))
            #expect(lookup.triggers(calling: trigger.function) == [trigger])
            let event = try #require(catalog.eventTriggers.first { $0.name == "on_ddl_\(database.name)" })
            #expect(event.event == "ddl_command_end" && event.tags.sorted() == ["CREATE TABLE", "DROP TABLE"])
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            let policy = try #require(lookup.policies(of: animals.oid).first)
            #expect(policy.definition.hasPrefix("RESTRICTIVE FOR UPDATE TO \(database.app), \(database.reader) USING"))
            #expect(policy.definition.contains("FROM shop.visits"))
            let privileges = catalog.defaultPrivileges
            #expect(privileges.count == 2)
            let shop = try #require(lookup.schema(named: "shop"))
            #expect(privileges.contains { $0.schema == shop.oid && $0.objectType == "r" && $0.grants.count == 1 })
            #expect(
                privileges.contains {
                    $0.schema == 0 && $0.objectType == "f" && !$0.grants.contains { $0.grantee == 0 }
                })
        }
    }

    @Test func readsTypes() async throws {
        try await check { catalog, lookup, _ in
            let mood = try #require(lookup.type(schema: "shop", name: "mood"))
            #expect(mood.kind == .enumeration && mood.arrayType != 0)
            #expect(mood.labels == ["sad", "ok", "it's \"fine\", \\really"])
            let positive = try #require(lookup.type(schema: "shop", name: "positive"))
            #expect(positive.kind == .domain && positive.definition == "integer DEFAULT 1 NOT NULL")
            #expect(lookup.type(schema: "shop", name: "span")?.definition == "subtype=double precision")
            #expect(lookup.type(schema: "shop", name: "pair")?.kind == .composite)
            #expect(lookup.type(schema: "shop", name: "animals") == nil)
            #expect(lookup.type(schema: "shop", name: "_mood") == nil)
            #expect(catalog.otherObjects.contains { $0.kind == "operator" && $0.name == "<+>(integer,integer)" })
            #expect(catalog.otherObjects.contains { $0.kind == "operator class" && $0.isExtensionMember })
            #expect(!catalog.otherObjects.contains { $0.name == "<+>(integer,integer)" && $0.isExtensionMember })
        }
    }

    @Test func readsReplicationAndExtensions() async throws {
        try await check { catalog, lookup, database in
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            let shop = try #require(lookup.schema(named: "shop"))
            func publication(_ name: String) throws -> Publication {
                try #require(catalog.publications.first { $0.name == name })
            }
            #expect(try publication("everything").allTables && publication("everything").definition == "insert")
            let part = try publication("part")
            #expect(part.tables.count == 2 && part.tables.contains(animals.oid))
            #expect(part.definition == "insert update delete truncate shop.animals columns=1 2 where=(id > 5)")
            #expect(try publication("whole").schemas == [shop.oid])
            let subscription = try #require(catalog.subscriptions.first)
            #expect(subscription.name == "sub_\(database.name)" && !subscription.isEnabled)
            let trigrams = try #require(catalog.extensions.values.first { $0.name == "pg_trgm" })
            #expect(lookup.schemaName(trigrams.schema) == "public" && !trigrams.version.isEmpty)
            let similarity = try #require(lookup.functions(schema: "public", name: "similarity").first)
            #expect(lookup.owningExtension(of: ObjectReference(.function, similarity.oid)) == trigrams)
            #expect(similarity.definition.isEmpty && similarity.source.isEmpty)
            let view = try #require(lookup.relation(schema: "ext", name: "pg_stat_statements"))
            #expect(catalog.extensionMembers[ObjectReference(.relation, view.oid)] != nil)
        }
    }

    @Test func readsCommentsAndSettings() async throws {
        try await check { catalog, lookup, database in
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            let comments = lookup.comments(on: ObjectReference(.relation, animals.oid))
            #expect(Set(comments.map(\.text)) == ["All of them,\non two lines", "in kg"])
            #expect(comments.first { $0.text == "in kg" }?.subobject == 5)
            let light = try #require(lookup.constraints(of: animals.oid).first { $0.name == "light" })
            #expect(lookup.comments(on: ObjectReference(.constraint, light.oid)).map(\.text) == ["not valid yet"])
            #expect(catalog.settings.contains { $0.name == "app.secret" && $0.value == "sesame" && $0.role == 0 })
            let lines = catalog.canonicalLines()
            #expect(!lines.contains { $0.contains("sesame") || $0.contains("geheim") })
            #expect(lines.contains { $0.hasPrefix("setting app.secret of all roles in this database\tvalue=hash ") })
            #expect(lines.contains("comment on relation shop.animals\ttext=All of them,\\non two lines"))
        }
    }

    @Test func readsStatementUse() async throws {
        try await check { _, _, database in
            let connection = try await database.connect()
            let marker = "SELECT count(*) AS marked_\(database.name) FROM shop.animals"
            _ = try await connection.query(marker)
            let loaded = try await connection.query("SHOW shared_preload_libraries").only().string(0)
            let use = try await StatementUseReader.read(connection)
            #expect(use.isKnown == loaded.contains("pg_stat_statements"))
            #expect(use.isKnown == use.statements.contains { $0.text == marker && $0.calls == 1 })
            #expect(use.isKnown == (use.since != nil))
            try await connection.execute("SET SESSION AUTHORIZATION \(database.stranger)")
            #expect(try await StatementUseReader.read(connection) == .unknown)
            await connection.close()
        }
    }

    @Test func statementUseIsUnknownWithoutTheExtension() async throws {
        try await IntrospectionDatabase.with { database in
            let connection = try await database.connect()
            #expect(try await StatementUseReader.read(connection) == .unknown)
            await connection.close()
        }
    }
}
