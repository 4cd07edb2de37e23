import Engine
import Planning
import PostgresDriver
import SQLSyntax
import TestSupport
import Testing

/// The acceptance recipe on the five example systems: before → plan → apply → as expected → plan again is empty →
/// the application's statements → back → as before → forward again.
@Suite("Examples")
struct ExampleTests {
    @Test("recipe", arguments: Example.all)
    func recipe(_ example: Example) async throws {
        try await example.with { work in
            let before = try await work.catalog()
            let contents = try await Contents.read(example, work, by: \.from)
            let plan = try await work.plan()
            expectFunctions(example, plan)

            let report = try await work.apply(plan)
            #expect(report.stepsDone == plan.steps.count)
            #expect(report.fingerprintBefore == before.fingerprint)
            try await expectApplied(example, work, contents)
            #expect(try await work.plan().steps.isEmpty, "the second plan is empty")
            #expect(try await work.differences() == [], "verify finds nothing")
            try await runWorkload(example, work)
            #expect(try await work.differences() == [], "verify finds nothing after the application wrote")

            try await work.rollback()
            try await expectBack(example, work, before)
            try await runWorkload(example, work)

            let again = try await work.plan()
            #expect(again.steps.map(\.statements) == plan.steps.map(\.statements), "the same plan as the first time")
            try await work.apply(again)
            #expect(try await work.plan().steps.isEmpty)
            #expect(try await work.differences() == [])
            try await runWorkload(example, work)
        }
    }

    // MARK: Parts

    private func expectApplied(_ example: Example, _ work: Reorganisation, _ before: Contents) async throws {
        let after = try await Contents.read(example, work, by: \.to)
        let shims = try await Contents.read(example, work, by: \.from)
        for table in example.expected.relations {
            let name = "\(table.to).\(table.table)"
            let key = Contents.Key(table)
            #expect(after.identities[key] == before.identities[key], "\(name): same OID and relfilenode")
            #expect(after.rows[key] == table.rows, "\(name)")
            #expect(shims.rows[key] == table.rows, "\(table.from).\(table.table), by its old name")
            #expect(after.checksums[key] == before.checksums[key], "\(name): same contents")
            #expect(shims.checksums[key] == before.checksums[key], "\(table.from).\(table.table): same contents")
        }
        #expect(example.expected.tables.reduce(0) { $0 + $1.rows } == example.expected.totals.rows)
        try await work.session { session in
            let keys = try await session.value(
                """
                SELECT count(*) || ' ' || count(*) FILTER (WHERE a.relnamespace <> b.relnamespace) FROM pg_constraint k
                  JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
                 WHERE k.contype = 'f' AND k.conparentid = 0 AND k.convalidated
                   AND a.relnamespace <> 'strata'::regnamespace
                """)
            let totals = example.expected.totals
            #expect(
                keys == "\(totals.foreignKeys) \(totals.crossSchemaForeignKeys)", "foreign keys, and those that cross")
        }
    }

    private func expectBack(_ example: Example, _ work: Reorganisation, _ before: Catalog) async throws {
        let after = try await work.catalog()
        let difference = CatalogDifference.between(before.canonicalLines(), after.canonicalLines())
        #expect(difference.lines() == [], "rolled back")
        #expect(after.fingerprint == before.fingerprint)
        #expect(try await work.differences() == [], "verify finds nothing lost by going there and back")
        let contents = try await Contents.read(example, work, by: \.from)
        for table in example.expected.relations {
            #expect(contents.rows[Contents.Key(table)] == table.rows, "\(table.from).\(table.table) after the rollback")
        }
    }

    /// Every statement, by the old names, as the superuser and as the application's role, in both orders of planning.
    private func runWorkload(_ example: Example, _ work: Reorganisation) async throws {
        for role in [nil, example.appRole] {
            let connection = try await work.database.connect()
            if let role { try await connection.execute("SET ROLE \(role)") }
            for statement in example.workload {
                do { try await connection.execute(statement) } catch {
                    Issue.record("as \(role ?? "superuser"): \(error) in \(statement)")
                }
            }
            await connection.close()
        }
    }

    private func expectFunctions(_ example: Example, _ plan: Plan) {
        let functions = example.expected.functions
        func bare(_ object: String) -> String {
            let name = object.prefix { $0 != "(" }
            return name.split(separator: ".").last.map { String($0).replacing("\"", with: "") } ?? ""
        }
        var paths: [String: String] = [:]
        for step in plan.steps where step.kind == .setSearchPath { paths[bare(step.object)] = step.statements[0] }
        #expect(paths.keys.sorted() == functions.searchPath.sorted(), "functions that get a search_path")
        for (function, schemas) in functions.searchPathNeeds {
            for schema in schemas { #expect(paths[function]?.contains(schema) == true, "\(function) needs \(schema)") }
        }
        let told = Set(plan.hazards.map { bare($0.object) } + plan.notes.map { bare($0.object) })
        for function in functions.hazard { #expect(told.contains(function), "\(function) is told of") }
        for function in functions.unaffected {
            #expect(!told.contains(function) && paths[function] == nil, "\(function) is left alone")
        }
    }
}

/// What the tables of an example are and hold.
struct Contents {
    struct Key: Hashable {
        var from: String
        var table: String

        init(_ table: Example.Expected.Table) {
            from = table.from
            self.table = table.table
        }
    }

    var rows: [Key: Int] = [:]
    var checksums: [Key: String] = [:]
    /// OID and relfilenode.
    var identities: [Key: String] = [:]

    static func read(
        _ example: Example, _ work: Reorganisation, by schema: KeyPath<Example.Expected.Table, String>
    ) async throws -> Contents {
        var contents = Contents()
        for table in example.expected.relations {
            let name = SQL.qualified(table[keyPath: schema], table.table)
            let row = try await work.connection.query(
                """
                SELECT count(*) AS rows, md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) AS sum,
                    (SELECT oid || ' ' || relfilenode FROM pg_class WHERE oid = \(SQL.literal(name))::regclass) AS identity
                  FROM \(name) AS t
                """
            ).only()
            contents.rows[Key(table)] = try row.int("rows")
            contents.checksums[Key(table)] = try row.string("sum")
            contents.identities[Key(table)] = try row.string("identity")
        }
        return contents
    }
}
