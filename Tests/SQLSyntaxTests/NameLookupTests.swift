import Testing

@testable import SQLSyntax

/// Names that are neither tables nor functions: constraints, text search configurations.
@Suite struct NameLookupTests {
    private func references(_ sql: String) throws -> StatementReferences {
        var all = StatementReferences()
        for statement in try SQLParser.parse(sql) { all.append(StatementReferences.collect(in: statement)) { $0 } }
        return all
    }

    @Test func setConstraintsNamesConstraintsAndNoTables() throws {
        let found = try references("SET CONSTRAINTS a, s.b DEFERRED;\nSET CONSTRAINTS ALL IMMEDIATE")
        #expect(found.constraints.map { SQL.qualified($0.schema, $0.name) } == ["a", "s.b"])
        #expect(found.constraints.map(\.line) == [1, 1])
        #expect(found.relations.isEmpty && found.features.isEmpty && !found.writes)
    }

    @Test func setConstraintsInABody() throws {
        let analysis = FunctionBody.analyse(
            language: "plpgsql", definition: "",
            source: "BEGIN\n  SET CONSTRAINTS a DEFERRED;\n  EXECUTE 'SET CONSTRAINTS b IMMEDIATE';\nEND")
        #expect(analysis.references.constraints.map(\.name) == ["a", "b"])
        #expect(analysis.references.constraints.map(\.line) == [2, 3])
        #expect(analysis.dynamic.isEmpty && analysis.unparsed.isEmpty)
    }

    @Test func anUnknownConstraintIsUnknown() throws {
        let analysis = FunctionBody.analyse(
            language: "plpgsql", definition: "", source: "BEGIN EXECUTE format('SET CONSTRAINTS %I DEFERRED', n); END")
        #expect(analysis.references.constraints.isEmpty && analysis.dynamic.map(\.unknown) == [.names])
    }

    @Test(arguments: [
        ("SELECT to_tsvector('cfg', body)", ["cfg"]), ("SELECT to_tsquery('s.cfg'::regconfig, 'a')", ["s.cfg"]),
        ("SELECT 'cfg'::regconfig, 'dict'::regdictionary", ["cfg", "dict"]), ("SELECT to_tsvector('only text')", []),
        ("SELECT to_tsvector('pg_catalog.english', body)", []), ("SELECT ts_lexize('dict', 'word')", ["dict"]),
    ])
    func textSearchNames(sql: String, names: [String]) throws {
        #expect(try references(sql).textSearchLiterals.map { SQL.qualified($0.schema, $0.name) } == names)
    }
}
