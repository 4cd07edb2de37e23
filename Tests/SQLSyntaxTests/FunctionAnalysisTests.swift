import SQLSyntax
import Testing

@Suite("Function analysis")
struct FunctionAnalysisTests {
    private func analyse(_ body: String, definition: String = "", language: String = "plpgsql") -> FunctionAnalysis {
        FunctionBody.analyse(language: language, definition: definition, source: body)
    }

    @Test("bodies that bind by object id are flagged, not read")
    func atomic() {
        let definition = "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1 FROM t; END"
        let analysis = analyse("", definition: definition, language: "sql")
        #expect(analysis.status == .bindsByOID)
        #expect(analysis.references.relations.isEmpty)
    }

    @Test("other languages are flagged", arguments: ["plpython3u", "c", "internal", "plperl", "pltcl"])
    func otherLanguages(language: String) {
        let analysis = analyse("plpy.execute('select 1 from t')", language: language)
        #expect(analysis.status == .unanalysable(language: language))
        #expect(!analysis.isComplete)
    }

    @Test("the function's own search_path and search paths inside")
    func searchPath() {
        let definition = """
            CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SET search_path TO 'app', '$user', 'Mixed Case'
            AS $$ BEGIN END $$
            """
        #expect(analyse("BEGIN END", definition: definition).searchPath?.schemas == ["app", "$user", "Mixed Case"])
        #expect(analyse("BEGIN END").searchPath == nil)
        #expect(!analyse("BEGIN END", definition: definition).references.setsSearchPath)
        #expect(analyse("BEGIN SET search_path = a; END").references.setsSearchPath)
        #expect(analyse("BEGIN EXECUTE 'SET search_path = a'; END").references.setsSearchPath)
    }

    @Test(
        "what cannot be read is named with its line",
        arguments: [
            ("BEGIN\n  SELECT frm frm frm;\nEND", 2, "syntax error at or near \"frm\""),
            ("BEGIN\n  x := 'open;\nEND", 2, "unterminated quoted string"),
            ("BEGIN\n  IF a THEN\n  NULL;\n", 3, "the body ends inside a block"),
            ("BEGIN\n  x := 1", 2, "the assignment has no end"),
            ("END;", 1, "END without a block"),
        ])
    func unparsed(body: String, line: Int, message: String) {
        let unparsed = analyse(body).unparsed
        #expect(unparsed.contains { $0.line == line && $0.message.hasPrefix(message) }, "\(unparsed)")
    }

    @Test("a broken statement does not hide the others")
    func continues() {
        let analysis = analyse("BEGIN\n  SELECT frm frm frm;\n  DELETE FROM t;\nEND")
        #expect(analysis.references.relations.map(\.line) == [3])
        #expect(!analysis.isComplete)
    }

    @Test("broken SQL bodies are named with their line")
    func brokenSQL() {
        let analysis = analyse("SELECT 1;\nSELECT FROM WHERE", language: "sql")
        #expect(analysis.unparsed.map(\.line) == [2])
    }

    @Test("bodies over the limit are refused, not read in part")
    func limit() {
        let analysis = FunctionBody.analyse(language: "plpgsql", definition: "", source: "BEGIN END", limit: 4)
        #expect(analysis.unparsed.count == 1)
    }

    @Test("dynamic statements tell what is known")
    func dynamic() throws {
        let body = "BEGIN\n  EXECUTE 'DROP TABLE IF EXISTS ' || quote_ident(t) || ' CASCADE';\nEND"
        let found = try #require(analyse(body).dynamic.first)
        #expect(found.line == 2)
        #expect(found.knownPrefix == "DROP TABLE IF EXISTS ")
        #expect(found.expression == "'DROP TABLE IF EXISTS ' || quote_ident(t) || ' CASCADE'")
        #expect(found.unknown == .names)
        #expect(found.reconstructed == "DROP TABLE IF EXISTS strata_unknown CASCADE")
    }

    @Test("references inside executed texts say so")
    func dynamicPlaces() {
        let relations = analyse("BEGIN\n EXECUTE 'DELETE FROM a'; DELETE FROM b;\nEND").references.relations
        #expect(Set(relations.filter(\.place.isDynamic).map(\.name)) == ["a"])
        #expect(Set(relations.filter { !$0.place.isDynamic }.map(\.name)) == ["b"])
    }

    @Test(
        "bodies of statements in a script",
        arguments: [
            ("DO $$ BEGIN DELETE FROM t; END $$", "plpgsql", " BEGIN DELETE FROM t; END "),
            ("DO LANGUAGE plperl 'x'", "plperl", "x"),
            ("CREATE FUNCTION f() RETURNS int AS 'SELECT 1' LANGUAGE sql", "sql", "SELECT 1"),
            ("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$BEGIN END$$", "plpgsql", "BEGIN END"),
        ])
    func bodies(sql: String, language: String, source: String) throws {
        let body = try #require(FunctionBody.body(in: try SQLParser.parse(sql)[0]))
        #expect(body.language == language)
        #expect(body.source == source)
    }

    @Test("statements without a string body have none")
    func noBody() throws {
        #expect(FunctionBody.body(in: try SQLParser.parse("SELECT 1")[0]) == nil)
        #expect(FunctionBody.body(in: try SQLParser.parse("CREATE FUNCTION f() RETURNS int RETURN 1")[0]) == nil)
    }

    @Test(
        "any text is survived",
        arguments: [
            "", ";", "BEGIN", "((((", "FOR", "FOR x IN", "EXECUTE", "RAISE", "CASE", "WHEN", "END END END", "<<", "#",
            "DECLARE x", "DECLARE BEGIN", "x := ", "a[", "OPEN", "FETCH", "RETURN QUERY EXECUTE", "DECLARE c CURSOR (;",
            "BEGIN FOR x IN EXECUTE LOOP END LOOP; END", "BEGIN RAISE USING; END", "BEGIN EXECUTE 1 INTO USING; END",
            "BEGIN EXECUTE format('%', 1); EXECUTE format('%9$s'); EXECUTE format('%-*s', 3, 'x'); END",
            "DECLARE x %TYPE;",
        ])
    func survives(body: String) {
        #expect(analyse(body).status == .analysed)
    }
}
