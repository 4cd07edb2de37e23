import Foundation
import SQLSyntax
import Testing

@Suite("Function bodies")
struct FunctionBodyTests {
    @Test("the corpus holds at least 25 functions")
    func size() {
        #expect(FunctionCorpus.all.count >= 25)
        #expect(Set(FunctionCorpus.all.map(\.name)).count == FunctionCorpus.all.count)
    }

    @Test("every reference is found on its line, and nothing else", arguments: FunctionCorpus.all)
    func corpus(item: CorpusCase) {
        let analysis = FunctionBody.analyse(language: item.language, definition: item.definition, source: item.body)
        expect(analysis, item)
    }

    @Test("bodies as a server stores them give the same", .enabled(if: LiveServer.isAvailable))
    func liveCorpus() throws {
        let database = "strata_syntax_\(UUID().uuidString.lowercased().prefix(8))"
        try LiveServer.run("CREATE DATABASE \(database)")
        defer { _ = try? LiveServer.complaints("DROP DATABASE \(database) WITH (FORCE)") }
        let functions = FunctionCorpus.all.filter { !$0.isBlock }
        let statements = FunctionCorpus.all.map { $0.definition + ";" }.joined(separator: "\n")
        let query = """
            SELECT encode(convert_to(json_build_object('body', p.prosrc, 'definition', pg_get_functiondef(p.oid),
                'name', p.proname)::text, 'UTF8'), 'hex')
            FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND p.prosrc LIKE E'\\n%'
            """
        let rows = try LiveServer.query("\\connect \(database)\n\(FunctionCorpus.schema)\n\(statements)\n\(query);")
        #expect(rows.count == functions.count)
        for row in rows {
            let stored = try JSONDecoder().decode(StoredFunction.self, from: Data(hexadecimal: row))
            let item = try #require(functions.first { $0.header.contains(" \(stored.name)(") })
            let analysis = FunctionBody.analyse(
                language: item.language, definition: stored.definition, source: stored.body)
            expect(analysis, item)
        }
    }

    @Test("statement lines are those of PostgreSQL's error context", .enabled(if: LiveServer.isAvailable))
    func errorContext() throws {
        let body = "\nDECLARE n int;\nBEGIN\n  n := 1;\n\n  SELECT 1\n  INTO n\n  FROM\n    missing_table;\nEND\n"
        let analysis = FunctionBody.analyse(language: "plpgsql", definition: "", source: body)
        let reference = try #require(analysis.references.relations.first)
        #expect(reference.line == 9)
        #expect(analysis.text(ofLine: reference.line) == "missing_table;")
        let complaint = try LiveServer.complaints("DO \(SQL.dollarQuoted(body))")
        #expect(complaint.contains("line \(reference.place.statementLine) at SQL statement"))
    }

    private struct StoredFunction: Decodable {
        let body: String
        let definition: String
        let name: String
    }

    private func expect(_ analysis: FunctionAnalysis, _ item: CorpusCase) {
        let found = Set(analysis.lines)
        #expect(found.subtracting(item.expected).sorted() == [], "found too much in \(item.name)")
        #expect(item.expected.subtracting(found).sorted() == [], "missed in \(item.name)")
        #expect(analysis.unparsed.isEmpty)
    }
}

extension FunctionAnalysis {
    /// Everything found as "line reference", as the corpus writes it. Calls are listed for `app_` functions only.
    fileprivate var lines: [String] {
        var result = references.relations.map { "\($0.line) \($0.access) \($0.qualifiedName)" }
        result += references.functions.filter { $0.name.hasPrefix("app_") }.map {
            "\($0.line) call \(SQL.qualified($0.schema, $0.name))"
        }
        result += references.types.map { type in
            let name = SQL.qualified(type.schema, type.name)
            switch type.form {
            case .named: return "\(type.line) type \(name)"
            case .rowType: return "\(type.line) rowtype \(name)"
            case .columnType(let column): return "\(type.line) coltype \(name).\(column)"
            }
        }
        result += references.regclassLiterals.map {
            "\($0.line) literal \($0.usage) \(SQL.qualified($0.schema, $0.name))"
        }
        result += references.features.map {
            "\($0.line) feature \($0.feature.rawValue) \($0.relation?.description ?? "?")"
        }
        result += dynamic.map { "\($0.line) dynamic \($0.unknown)" }
        result += triggerVariables.map { "\($0.line) trigger \($0.variable.rawValue)" }
        return result
    }
}

extension Data {
    fileprivate init(hexadecimal text: String) throws {
        let digits = Array(text.utf8)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count - 1, by: 2) {
            let pair = String(decoding: digits[index...(index + 1)], as: UTF8.self)
            bytes.append(try #require(UInt8(pair, radix: 16)))
        }
        self.init(bytes)
    }
}
