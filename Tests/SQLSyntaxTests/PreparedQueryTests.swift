import SQLSyntax
import Testing

/// What a PREPARE prepares, cut out of the text that it stands in.
@Suite("The query of a PREPARE")
struct PreparedQueryTests {
    @Test(arguments: [
        ("PREPARE p AS SELECT 1", "p", "SELECT 1"),
        ("prepare p(int, numeric(10, 2)) as select $1 as \"as\";", "p", "select $1 as \"as\""),
        ("/* AS */ PREPARE /* as */ \"As\" (text[]) -- as\n AS VALUES ($1)", "As", "VALUES ($1)"),
        ("PREPARE U&\"d!0061t\" UESCAPE '!' AS SELECT 2", "dat", "SELECT 2"),
        ("BEGIN; PREPARE p AS SELECT 1; PREPARE q AS SELECT 2; COMMIT", "q", "SELECT 2"),
        (
            "PREPARE p AS WITH x AS (DELETE FROM t RETURNING a) SELECT a AS b FROM x", "p",
            "WITH x AS (DELETE FROM t RETURNING a) SELECT a AS b FROM x"
        ),
        ("PREPARE ä (\"as\") AS SELECT 'ü'", "ä", "SELECT 'ü'"),
    ])
    func found(_ sql: String, _ name: String, _ query: String) {
        #expect(StatementReader.preparedQuery(named: name, in: sql) == query)
    }

    @Test(arguments: [
        "", "SELECT 1", "PREPARE q AS SELECT 1", "PREPARE p AS SELECT 1; DEALLOCATE p; PREPARE p AS SELECT 2",
        "PREPARE p AS",
        "PREPARE TRANSACTION 'p'",
    ])
    func missing(_ sql: String) { #expect(StatementReader.preparedQuery(named: "p", in: sql) == nil) }
}
