import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata import sqlite` as a person or a script sees it.
@Suite("Import: the command") struct ImportCommandTests {
    private static let shelter = """
        CREATE TABLE animal (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(40) NOT NULL, tame BOOLEAN, arrived DATETIME, age INTEGER);
        CREATE TABLE visit (id INTEGER PRIMARY KEY, animal INTEGER REFERENCES animal (id), note JSON);
        CREATE VIEW tame AS SELECT * FROM animal WHERE tame;
        CREATE TRIGGER log AFTER INSERT ON visit BEGIN DELETE FROM visit WHERE id < 0; END;
        CREATE TABLE schema_migrations (version TEXT PRIMARY KEY);
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 200)
        INSERT INTO animal SELECT i, 'name ' || i, i % 2, 1700000000 + i, CASE WHEN i = 77 THEN 'old' ELSE i % 20 END FROM g;
        INSERT INTO visit VALUES (1, 1, '{"a": 1}'), (2, 2, NULL);
        """

    @Test("The review is 80 columns wide at most, says what will be rejected and left out, and needs no target")
    func review() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            let text = try await shop.run("--review", "--quiet", "--report", "review.md")
            #expect(text.code == 0 && text.errors.contains("next: strata import sqlite app.db"), "\(text)")
            let lines = text.output.split(separator: "\n").dropFirst()
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
            for says in [
                "3 tables, 202 rows to load",
                "animal.age: 1 value of 200 (texts, such as rowid 77): not a whole number", "view tame",
                "trigger log", "schema_migrations, 0 rows: skipped: bookkeeping", "LIKE",
            ] {
                #expect(text.prose.contains(says), "\(says): \(text.output)")
            }
            #expect(try await shop.objects().isEmpty)
            let markdown = try String(contentsOf: shop.folder.appending(path: "review.md"), encoding: .utf8)
            for says in [
                "# Import of `", "| animal | 200 | public.animal | made |", "## Rejects", "| animal.age | 1 | texts |",
                "view tame",
            ] {
                #expect(markdown.contains(says), "\(says): \(markdown)")
            }
        }
    }

    @Test("The review as JSON has its documented fields")
    func reviewJSON() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            let review = try object(try await shop.run("--review", "--format", "json").output)
            #expect(
                Set(review.keys).isSuperset(of: [
                    "file", "bytes", "isWAL", "tables", "leftOut", "orphans", "differences", "diagnostics",
                ]))
            let tables = try #require(review["tables"] as? [[String: Any]])
            #expect(tables.map { $0["name"] as? String } == ["animal", "visit", "schema_migrations"])
            let columns = try #require(tables[0]["columns"] as? [[String: Any]])
            #expect(
                columns.map { $0["type"] as? String } == ["bigint", "varchar(40)", "boolean", "timestamptz", "bigint"])
            #expect(columns[3]["unit"] as? String == "seconds")
            let rejects = try #require(columns[4]["rejects"] as? [[String: Any]])
            #expect(
                rejects.count == 1 && rejects[0]["count"] as? Int == 1 && rejects[0]["policy"] as? String == "reject"
                    && rejects[0]["example"] as? Int == 77)
        }
    }

    @Test("Exit codes 6, 0, 3, 4 and 1, with what to do next, and the result as text and JSON")
    func exitCodes() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            let refused = try await shop.run()
            #expect(
                refused.code == 6 && refused.prose.contains("nothing was changed")
                    && refused.prose.contains("--max-rejects 1"), "\(refused)")
            #expect(try await shop.objects().isEmpty)
            let unknown = try await shop.run("--verify")
            #expect(unknown.code == 1 && unknown.prose.contains("knows no import of"), "\(unknown)")
            let done = try await shop.run("--max-rejects", "1", "--rejects", "lost.jsonl")
            #expect(
                done.code == 0 && done.output.hasSuffix("The same on both sides: 2 tables, 201 rows, 1 rejected.\n"),
                "\(done)")
            let lost = try shop.rejects("lost.jsonl")
            #expect(lost.count == 1)
            let line = try #require(lost.first)
            #expect(
                line["table"] as? String == "animal" && line["rowid"] as? Int == 77
                    && line["column"] as? String == "age")
            #expect(
                line["storage"] as? String == "text" && line["value"] as? String == "old"
                    && line["reason"] as? String == "not-an-integer" && line["action"] as? String == "row")
            let again = try await shop.run("--max-rejects", "1")
            #expect(
                again.code == 3 && again.prose.contains("has rows already") && again.prose.contains("--restart"),
                "\(again)")
            #expect(try await shop.run("--verify").code == 0)
            try await shop.database.execute(
                "UPDATE animal SET name = 'other' WHERE id = 5; DELETE FROM visit WHERE id = 2")
            let differs = try await shop.run("--verify")
            #expect(
                differs.code == 4 && differs.prose.contains("rowid 5")
                    && differs.prose.contains("Not the same on both sides"), "\(differs)")
            let json = try await shop.run("--verify", "--format", "json")
            let result = try object(json.output)
            #expect(json.code == 4 && result["isWhole"] as? Bool == false)
            #expect(
                Set(result.keys).isSuperset(of: [
                    "file", "tables", "differences", "skipped", "sourceHasChanged", "isWhole",
                ]))
            let tables = try #require(result["tables"] as? [[String: Any]])
            #expect(
                tables.map { $0["isEqual"] as? Bool } == [false, false] && tables[0]["differing"] as? [Int] == [5]
                    && tables[1]["found"] as? Int == 1)
        }
    }

    @Test("--restart takes nothing back where the file could not be loaded anew")
    func restartRefused() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            let done = try await shop.run("--max-rejects", "1", "--quiet")
            #expect(done.code == 0, "\(done)")
            let objects = try await shop.objects()
            let tooMany = try await shop.run("--restart", "--quiet")
            #expect(tooMany.code == 6 && tooMany.prose.contains("nothing was changed"), "\(tooMany)")
            try Data("tables: { animal: { schema: elsewhere, columns: { nothing: { type: text } } } }".utf8).write(
                to: shop.folder.appending(path: "m.yaml"))
            let wrong = try await shop.run("--restart", "--quiet", "--mapping", "m.yaml")
            #expect(wrong.code != 0 && wrong.errors.contains("try:"), "\(wrong)")
            // Somebody's rows where it would go, or two tables at one place.
            try await shop.database.execute(
                "CREATE TABLE other (id bigint, name text, age bigint); INSERT INTO other VALUES (1, 'x', 1)")
            for (mapping, code) in [
                ("animal: { name: other }", "has rows already"),
                ("animal: { name: same }, visit: { name: same }", "both go to"),
            ] {
                try Data("tables: { \(mapping) }".utf8).write(to: shop.folder.appending(path: "m.yaml"))
                let result = try await shop.run("--restart", "--mapping", "m.yaml", "--max-rejects", "1", "--quiet")
                #expect(
                    result.code == 3 && result.prose.contains(code) && !result.prose.contains("taken back"), "\(result)"
                )
            }
            try await shop.database.execute("DROP TABLE other")
            #expect(try await shop.objects() == objects)
            #expect(try await shop.run("--verify", "--quiet").code == 0)
            // A second import to another place stands beside the first, which keeps the names.
            try Data("tables: { animal: { schema: b }, visit: { schema: b } }".utf8).write(
                to: shop.folder.appending(path: "m.yaml"))
            let second = try await shop.run("--mapping", "m.yaml", "--max-rejects", "1", "--quiet")
            #expect(second.code == 0, "\(second)")
            let back = try await shop.run("--restart", "--max-rejects", "1", "--quiet")
            #expect(back.code == 3 && back.prose.contains("has rows already"), "the first one's: \(back)")
            let again = try await shop.run("--restart", "--mapping", "m.yaml", "--max-rejects", "1", "--quiet")
            #expect(again.code == 0 && again.errors.contains("was taken back"), "\(again)")
            try await shop.database.execute(
                "DELETE FROM strata.import_chunks WHERE import_id > 1; DELETE FROM strata.import_rejects WHERE import_id > 1; DELETE FROM strata.import_steps WHERE import_id > 1; DELETE FROM strata.import_tables WHERE import_id > 1; DELETE FROM strata.imports WHERE id > 1"
            )
            let anew = try await shop.run("--restart", "--max-rejects", "1", "--quiet")
            #expect(anew.code == 0 && anew.errors.contains("was taken back"), "\(anew)")
            #expect(try await shop.texts("SELECT state FROM strata.imports ORDER BY id") == ["undone", "done"])
        }
    }

    @Test("Each policy of the mapping for values that do not fit", arguments: ["reject", "null", "text", "fail"])
    func policies(policy: String) async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            try Data("tables: { animal: { columns: { age: { invalid: \(policy) } } } }".utf8).write(
                to: shop.folder.appending(path: "m.yaml"))
            let result = try await shop.run("--mapping", "m.yaml", "--max-rejects", policy == "reject" ? "1" : "0")
            guard policy != "fail" else {
                #expect(result.code == 6 && result.prose.contains("animal.age, rowid 77"), "\(result)")
                return
            }
            #expect(result.code == 0, "\(result)")
            #expect(try shop.rejects().map { $0["action"] as? String } == [policy == "reject" ? "row" : policy])
            let rows = try await shop.texts("SELECT count(*) || ' ' || count(age) FROM animal")
            #expect(rows == [policy == "reject" ? "199 199" : "200 199"])
            if policy == "text" {
                #expect(
                    try await shop.texts("SELECT age_text FROM animal WHERE age_text IS NOT NULL OR id = 77") == ["old"]
                )
            }
        }
    }

    @Test("A mapping with mistakes: all of them with their place, nothing done")
    func wrongMapping() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            try Data("tables:\n  animals: {}\n  visit: { columns: { note: { typ: text } } }\n".utf8).write(
                to: shop.folder.appending(path: "m.yaml"))
            let result = try await shop.run("--mapping", "m.yaml")
            #expect(result.code == 1, "\(result)")
            for says in ["m.yaml:2:3", "did you mean animal?", "m.yaml:3:31", "did you mean type?"] {
                #expect(result.prose.contains(says), "\(says): \(result)")
            }
            let missing = try await shop.run("--mapping", "none.yaml")
            #expect(
                missing.code == 1 && missing.prose.contains("none.yaml") && missing.prose.contains("try:"), "\(missing)"
            )
            #expect(try await shop.objects().isEmpty)
        }
    }

    @Test(
        "Usage errors: exit code 64, with --help",
        arguments: [
            ["--jobs", "0"], ["--jobs", "17"], ["--orm", "hibernate"], ["--max-rejects", "-1"],
            ["--max-rejects", "some"], ["--review", "--verify"],
            ["--restart", "--verify"], ["--into", "postgresql://a", "--url", "postgresql://b"], ["--format", "xml"],
            ["more.db"],
        ])
    func usage(words: [String]) async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            let result = try await shop.start(words).finish()
            #expect(result.code == 64 && result.errors.contains("--help") && result.output.isEmpty, "\(result)")
        }
    }

    @Test("Progress: one line that changes on a terminal, JSON Lines elsewhere, nothing with --quiet")
    func progress() async throws {
        let many = """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c REAL);
            WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 250000) INSERT INTO t SELECT i, 'text ' || i, hex(i), i / 3.0 FROM g;
            """
        try await ImportWorkshop.with(many) { shop in
            let plain = try await shop.run("--jobs", "1")
            #expect(plain.code == 0, "\(plain)")
            // How many there are depends on how long it takes; each is a whole object.
            for line in plain.errors.split(separator: "\n") {
                let fields = try object(String(line))
                #expect(
                    ["evidence", "loading", "verifying"].contains(fields["stage"] as? String ?? "")
                        && fields["rows"] is Int && fields["rowsPerSecond"] is Int, "\(line)")
            }
            #expect(!plain.output.contains("\u{1B}"))
            let quiet = try await shop.run("--restart", "--quiet")
            #expect(
                quiet.code == 0 && quiet.errors.split(separator: "\n").count == 1, "only what was taken back: \(quiet)")
            let shown = try await shop.program.start(
                ["-qec", "stty cols 100; exec \(Program.path.path) import sqlite app.db --restart", "/dev/null"],
                executable: URL(filePath: "/usr/bin/script")
            ).finish()
            #expect(shown.code == 0, "\(shown)")
            for says in [
                "looking at t", "loading 1 table, 250,000 rows", "loading t", "of 250,000", "verifying t",
                "The same on both sides",
            ] {
                #expect(shown.output.contains(says), "\(says): \(shown.output.suffix(3000))")
            }
            #expect(shown.output.contains("\r") || shown.output.contains("\u{1B}["))
        }
    }
}
