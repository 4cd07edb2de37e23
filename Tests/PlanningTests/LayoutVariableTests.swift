import Testing

@testable import Planning

@Suite("Layout: variables and secrets")
struct LayoutVariableTests {
    private func url(_ text: String, _ environment: [String: String] = [:]) throws -> Database {
        try #require(layout("strata: 1\ndatabases: { main: { url: \(text) } }", environment).databases.first)
    }

    @Test("an unset or empty variable, no url at all: the embedded server", arguments: ["", "URL=", "null"])
    func embedded(kind: String) throws {
        let database = try url(kind == "null" ? "null" : "\"${URL}\"", kind == "URL=" ? ["URL": ""] : [:])
        #expect(database.url == nil)
        #expect(database.urlVariable == (kind == "null" ? nil : "URL"))
        #expect(try layout("strata: 1\ndatabases: { main: {} }").databases[0].url == nil)
    }

    @Test("values, defaults, dollar signs")
    func replacement() throws {
        let environment = ["A": "x", "EMPTY": ""]
        func predicate(_ text: String) throws -> String? {
            let head = "strata: 1\nschemas: { s: { tables: [t] } }\nindexes: [{ table: t, columns: [c], where: "
            return try layout(head + "'\(text)' }]", environment).indexes[0].predicate
        }
        #expect(try predicate("${A}-${A}") == "x-x")
        #expect(try predicate("${B:-y z}") == "y z")
        #expect(try predicate("${EMPTY:-y}") == "y")
        #expect(try predicate("${A:-y}") == "x")
        #expect(try predicate("$$ $${A} $1 5$") == "$ ${A} $1 5$")
        #expect(try predicate("a${EMPTY}b") == "ab")
    }

    @Test("numbers, choices and flags from the environment")
    func scalars() throws {
        let layout = try layout(
            "strata: 1\ndatabases: { main: { pool: { size: \"${N}\" } } }\ncompatibility: ${C}\n"
                + "schemas: { a: { rebuildable: \"${F:-true}\" } }", ["N": "7", "C": "none"])
        #expect(layout.databases[0].pool?.size == 7 && layout.compatibility == .none && layout.schemas[0].rebuildable)
    }

    static let complaints: [LayoutComplaint] = [
        .init(
            "unresolved", "strata: 1\ncompatibility: ${C}", "unresolved-variable", 2, 16, "C is not set", "export C="),
        .init(
            "unresolved part of a url", "strata: 1\ndatabases: { main: { url: \"postgres://u:${PW}@h/d\" } }",
            "unresolved-variable", 2, 27, "PW is not set"),
        .init("no closing brace", "strata: 1\ncompatibility: \"${C\"", "bad-variable", 2, 16, "$$"),
        .init("no name", "strata: 1\ncompatibility: \"${1C}\"", "bad-variable", 2, 16),
        .init("shell substitution", "strata: 1\ncompatibility: \"${C:?no}\"", "bad-variable", 2, 16),
    ]

    static let names: [LayoutComplaint] = [
        .init(
            "variable as a name", "strata: 1\nschemas: { a: { tables: [\"${T}\"] } }", "variable-in-name", 2, 26, "T"),
        .init(
            "variable in a reference", "strata: 1\nindexes: [{ table: \"${T:-x}.y\", columns: [c] }]",
            "variable-in-name", 2, 20),
        .init(
            "variable without quotes in brackets", "strata: 1\ndatabases: { m: { url: ${U} } }", "bad-yaml", 2, 25,
            "quotes round a ${NAME}"),
    ]

    @Test("names are written out", arguments: names)
    func checksNames(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("a url of several variables, without quotes")
    func pieces() throws {
        let text = "strata: 1\ndatabases:\n  main:\n    url: postgres://${H}:${P}/d # {[\n"
        #expect(try layout(text, ["H": "h", "P": "5"]).databases[0].url == "postgres://h:5/d")
    }

    @Test("what is wrong with variables", arguments: complaints)
    func checksComplaints(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test(
        "secrets are never repeated",
        arguments: [
            "strata: 1\ncompatibility: ${S}", "strata: 1\ndatabases: { main: { url: \"${S}\" } }",
            "strata: 1\ndatabases: { main: { pool: { size: \"${S}\", idle_timeout: \"${S}\" } } }",
            "strata: 1\nschemas: { a: { tables: [\"${S}.x\"], rebuildable: \"${S}\", database: \"${S}\" } }",
            "strata: 1\nrouting: { listen: \"${S}\", freshness: \"${S}\" }", "strata: \"${S}\"",
            "strata: 1\ndatabases: \"postgres://u:hunter2@h/d\"", "strata: 1\n\"postgres://u:hunter2@h/d\": {}",
            "strata: 1\ndatabases: { main: { url: \"mysql://u:hunter2@h/d\" } }",
            "strata: 1\ndatabases: { main: \"host=h password=hunter2\" }",
            "strata: 1\ncompatibility: \"postgres://u:hunter2@h/d\"",
            "strata: 1\ndatabases: { \"postgres://u:hunter2@h/d\": {}, \"postgres://u:hunter2@h/d\": {} }",
        ])
    func secrets(text: String) {
        for secret in ["hunter2", "mysql://hunter2", "hunter2.x", "\"hunter2\""] {
            let diagnostics = decode(text, ["S": secret]).diagnostics
            #expect(diagnostics.hasErrors)
            for diagnostic in diagnostics { #expect(!"\(diagnostic)".lowercased().contains("hunter2")) }
        }
    }

    @Test(
        "a password in the file is a warning, wherever the driver would look for it",
        arguments: ["postgres://u:hunter2@h/d", "host=h password=hunter2", "postgresql:///d?user=u&password=hunter2"])
    func passwordInFile(url: String) {
        let (layout, diagnostics) = decode("strata: 1\ndatabases: { main: { url: \"\(url)\" } }")
        #expect(diagnostics.map(\.code) == ["password-in-file"] && layout?.databases[0].url == url)
        #expect(!"\(diagnostics)".contains("hunter2"))
    }

    @Test("the variables of other databases are kept by name, the plan works without them")
    func otherDatabases() {
        let text =
            "strata: 1\ndatabases:\n  main: { url: \"${A}\", replicas: [{ name: r, url: \"${B}\" }] }\n  x: { url: \"${C}\" }"
        let layout = decode(text).layout
        #expect(layout?.databases.map(\.urlVariable) == ["A", "C"])
        #expect(layout?.databases[0].replicas.map(\.urlVariable) == ["B"])
    }
}
