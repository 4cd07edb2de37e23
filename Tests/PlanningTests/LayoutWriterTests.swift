import Foundation
import Planning
import Testing

/// What `strata init` writes can be read, says the same again, and is written as people would.
@Suite struct LayoutWriterTests {
    private func write(_ maker: CatalogMaker) -> String { LayoutWriter.write(catalog: maker.catalog) }

    /// Decodes without a complaint, plans nothing, and leaves nothing unplaced.
    @discardableResult
    private func roundTrip(_ maker: CatalogMaker, sourceLocation: SourceLocation = #_sourceLocation) throws -> Layout {
        let text = write(maker)
        let layout = try layout(text)
        let plan = try Planner.plan(layout: layout, catalog: maker.catalog)
        #expect(plan.steps.isEmpty, "\(plan.steps.map(\.statements))\n\(text)", sourceLocation: sourceLocation)
        #expect(plan.hazards.isEmpty, sourceLocation: sourceLocation)
        #expect(plan.unplaced.isEmpty, "\(text)", sourceLocation: sourceLocation)
        return layout
    }

    @Test func writesWhatIsThere() throws {
        var maker = CatalogMaker(schemas: ["public", "billing", "empty"])
        let orders = maker.table("orders")
        maker.table("_prisma_migrations")
        maker.table("Invoice", in: "billing")
        _ = maker.view("open_orders", of: [orders])
        _ = maker.function("order_total", ["integer"])
        _ = maker.function("order_total", ["text"])
        _ = maker.type("order_status")
        maker.table("batch_no", [], kind: .sequence)
        #expect(
            write(maker) == """
                # The layout of database test as it is. List a table under another schema to move it there, then:
                # strata plan
                strata: 1
                databases:
                  main:
                    url: ${DATABASE_URL}
                schemas:
                  billing: { tables: [Invoice] }
                  empty: {}
                  public:
                    tables: [orders]
                    views: [open_orders]
                    functions: [order_total]
                    types: [order_status]
                    sequences: [batch_no]
                    ignore: [_prisma_migrations]
                compatibility: views

                """)
        try roundTrip(maker)
    }

    @Test func leavesOutWhatFollowsAndWhatIsNotOurs() throws {
        var maker = CatalogMaker()
        let events = maker.table("events", kind: .partitionedTable)
        maker.table("events_2025", parent: events, isPartition: true)
        let base = maker.table("base")
        maker.table("child", parent: base)
        let owned = maker.table("base_id_seq", [], kind: .sequence)
        maker.catalog.sequences[owned] = SequenceDetail(oid: owned, ownerTable: base, ownerColumn: 1)
        let foreign = maker.table("spatial_ref_sys")
        let ours = maker.function("similarity", ["integer"])
        let theirs = maker.function("similarity", ["text", "text"])
        maker.catalog.extensions[7] = Extension(oid: 7, name: "postgis", version: "3", schema: maker.schema("public"))
        maker.catalog.extensionMembers[ObjectReference(.relation, foreign)] = 7
        maker.catalog.extensionMembers[ObjectReference(.function, theirs)] = 7
        let shim = maker.view("moved", of: [base])
        maker.catalog.comments.append(
            Comment(object: ObjectReference(.relation, shim), subobject: 0, text: "strata:shim other.moved"))
        let layout = try roundTrip(maker)
        let schema = try #require(layout.schemas.first)
        #expect(schema.tables.map(\.name) == ["base", "child", "events"])
        #expect(schema.views.isEmpty && schema.sequences.isEmpty)
        #expect(schema.functions.map(\.name) == ["similarity"])
        #expect(schema.functions.map(\.arguments) == ["integer"])
        #expect(maker.catalog.functions[ours] != nil)
    }

    @Test func namesThatSeveralSchemasHaveSayWhereTheyAre() throws {
        var maker = CatalogMaker(schemas: ["public", "legacy"])
        for schema in ["public", "legacy"] {
            maker.table("groups", in: schema)
            _ = maker.type("state", in: schema)
            _ = maker.function("total", in: schema)
        }
        let text = write(maker)
        #expect(text.contains("tables: [{ table: groups, from: legacy }]"))
        #expect(text.contains("types: [{ type: state, from: public }]"))
        try roundTrip(maker)
    }

    static let nastyNames = [
        "a b", "yes", "null", "1abc", "Ünï", "#x", "a: b", "*star", "&anchor", "!tag", "- item", "? what", "'", "\"",
        "\\",
        "true", "12", "1_5", "1e5", "0x1f", "~", "[x]", "{x}", "a,b", "a#b", "a #b", "a:", ":a", "%x", "@x", "`x`", "|",
        ">",
        "=", "<<", "--", "---", "No", "Y", " lead", "trail ", "a$b", "a$$b", "${HOME}", "$${x}", "日本語", "emoji😀",
        "a\u{2028}b",
        "a\u{FEFF}b", "a\u{A0}b", "a\u{301}", "_", "-", "a-b", "null_", "MixedCase", "it's", "say \"x\"", "table",
        "from",
    ]

    @Test(arguments: nastyNames) func roundTripsName(_ name: String) throws {
        var maker = CatalogMaker(schemas: ["public", name])
        maker.table(name)
        maker.table("twice \(name)")
        maker.table("twice \(name)", in: name)
        _ = maker.function(name)
        _ = maker.type("type \(name)")
        let layout = try roundTrip(maker)
        #expect(layout.schemas.map { Array($0.name.unicodeScalars) }.contains(Array(name.unicodeScalars)))
        let open = try #require(layout.schemas.first { $0.name == "public" })
        #expect(open.tables.map { Array($0.name.unicodeScalars) }.contains(Array(name.unicodeScalars)))
        #expect(open.tables.first { $0.name == "twice \(name)" }?.from == "public")
    }

    @Test(arguments: ["Orders", "order_items", "Ünï", "a-b", "_prisma"]) func quotesOnlyWhereNeeded(_ name: String) {
        var maker = CatalogMaker()
        maker.table(name)
        #expect(write(maker).contains("tables: [\(name)]"))
    }

    @Test(arguments: ["yes", "Null", "1abc", "a b", "#x", "*x", "Off"]) func quotesWhereNeeded(_ name: String) {
        var maker = CatalogMaker()
        maker.table(name)
        #expect(write(maker).contains("tables: [\"\(name)\"]"))
    }

    @Test func namesThatALayoutCannotSayAreNamedInAComment() throws {
        var maker = CatalogMaker()
        for name in ["a.b", "1.5", "line\nbreak", "postgresql://u:secret@h/d", "fine"] { maker.table(name) }
        _ = maker.function("odd(name")
        let text = write(maker)
        let schemas = try layout(text).schemas
        #expect(schemas.first?.tables.map(\.name) == ["fine"])
        #expect(text.contains("table \"a.b\"") && text.contains("function \"odd(name\""))
        #expect(!text.contains("secret"))
    }

    @Test func longListsAndLongNamesStayReadable() throws {
        var maker = CatalogMaker(schemas: ["public", "x" + String(repeating: "y", count: 60)])
        for number in 0..<30 { maker.table("a_table_with_a_name_\(number)") }
        let long = String(repeating: "n", count: 63)
        for schema in ["public", "x" + String(repeating: "y", count: 60)] { maker.table(long, in: schema) }
        let text = write(maker)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(text)")
        #expect(text.contains("\n      - a_table_with_a_name_7\n"))
        try roundTrip(maker)
    }

    // MARK: Roles

    @Test func rolesThatMayUseAWholeSchemaAreWritten() throws {
        var maker = CatalogMaker()
        let writer = maker.role("app rw")
        let reader = maker.role("report")
        let partly = maker.role("partly")
        let tables = [maker.table("a"), maker.table("b")]
        func grant(_ role: OID, _ privilege: String) -> Grant {
            Grant(grantee: role, grantor: 10, privilege: privilege, grantable: false)
        }
        let rights = ["SELECT", "INSERT", "UPDATE", "DELETE"].map { grant(writer, $0) } + [grant(reader, "SELECT")]
        for table in tables { maker.catalog.relations[table]?.grants = rights }
        maker.catalog.relations[tables[0]]?.grants.append(grant(partly, "SELECT"))
        let schema = maker.schema("public")
        maker.catalog.schemas[schema]?.grants = [writer, reader, partly].map { grant($0, "USAGE") }
        maker.catalog.defaultPrivileges = [
            DefaultPrivilege(oid: 1, role: 10, schema: schema, objectType: "r", grants: rights),
            DefaultPrivilege(oid: 2, role: 10, schema: schema, objectType: "S", grants: [grant(writer, "USAGE")]),
        ]
        let layout = try roundTrip(maker)
        #expect(layout.roles.map(\.name) == ["app rw", "report"])
        #expect(layout.roles.map { $0.write.map(\.value) } == [["public"], []])
        #expect(layout.roles.map { $0.read.map(\.value) } == [[], ["public"]])
        maker.catalog.defaultPrivileges = []
        #expect(try roundTrip(maker).roles.isEmpty)
    }

    // MARK: Examples and proposals

    private func catalog(_ example: String) throws -> CatalogMaker {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Examples/\(example)/before.sql")
        return try CatalogMaker(script: try String(contentsOf: file, encoding: .utf8))
    }

    @Test(arguments: ["ath", "kct", "hauspet", "eventflow"]) func anExampleAsItIsNeedsNoStep(_ name: String) throws {
        try roundTrip(try catalog(name))
    }

    /// Keys that lead from schema to schema without an index are the planner's business, whether anything moves or not.
    @Test func phoenixAsItIsNeedsOnlyIndexes() throws {
        let maker = try catalog("phoenix")
        let plan = try Planner.plan(layout: try layout(write(maker)), catalog: maker.catalog)
        #expect(plan.steps.allSatisfy { $0.kind == .buildIndex }, "\(plan.steps.map(\.statements))")
        #expect(plan.unplaced.isEmpty && plan.baseline.isEmpty)
    }

    @Test(arguments: ["phoenix", "ath", "kct", "hauspet", "eventflow"]) func aProposalCanBePlanned(
        _ name: String
    ) throws {
        let maker = try catalog(name)
        let suggestion = ContextSuggester.suggest(catalog: maker.catalog)
        let text = LayoutWriter.write(catalog: maker.catalog, suggestion: suggestion)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
        let plan = try Planner.plan(layout: try layout(text), catalog: maker.catalog)
        let moved = Set(plan.baseline.filter { $0.schema != $0.newSchema }.map { "\($0.newSchema).\($0.name)" })
        let wanted = Set(suggestion.groups.flatMap { group in group.tables.map { "\(group.name).\($0.name)" } })
        #expect(moved.isSuperset(of: wanted), "\(wanted.subtracting(moved).sorted())")
        #expect(plan.unplaced.isEmpty)
        for group in suggestion.groups { #expect(text.contains("\n  \(group.name):")) }
    }

    @Test func aProposalSaysWhy() throws {
        let maker = try catalog("phoenix")
        let text = LayoutWriter.write(
            catalog: maker.catalog, suggestion: ContextSuggester.suggest(catalog: maker.catalog),
            databaseURLVariable: "SCHOOL_URL")
        #expect(text.contains("url: ${SCHOOL_URL}"))
        #expect(text.contains("of 63 foreign keys"))
        #expect(text.contains("{ table: groups, from: legacy }"))
        #expect(text.contains("Where rows are only ever added: append_only: [auth_events, data_deletions]"))
    }
}
