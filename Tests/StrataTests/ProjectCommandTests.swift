import Foundation
import TestSupport
import Testing

/// `strata project`: to the end, on and on, what it has stopped at, and the rebuild.
@Suite struct ProjectCommandTests {
    @Test("S0.13 S0.53 To the present end, with what it has done; status says where it stands")
    func once() async throws {
        try await ProjectFixture.with { fixture in
            let new = try await fixture.run("project", "status")
            #expect(new.output.contains("animals     animals  new           0    0     0"))
            try await fixture.append(ProjectFixture.registered("a"), ProjectFixture.seen("a"), ProjectFixture.seen("a"))
            let done = try await fixture.run("project", "--once")
            #expect(done.output == "animals: position 3 of 3, 3 events done\n")
            #expect(done.errors.contains("at the end of its stream, position 3"))
            #expect(try await fixture.animals() == ["a 2"])
            try await fixture.append(ProjectFixture.seen("a"))
            let status = try object(
                "{\"all\": " + (try await fixture.run("project", "status", "--format", "json").output) + "}")
            let shown = try #require((status["all"] as? [[String: Any]])?.first)
            #expect(shown["position"] as? Int == 3 && shown["lag"] as? Int == 1 && shown["state"] as? String == "idle")
            let json = try await fixture.run("project", "animals", "--once", "--format", "json").output
            let answer = try #require((try object("{\"all\": \(json)}")["all"] as? [[String: Any]])?.first)
            #expect(answer["events"] as? Int == 1 && answer["state"] as? String == "done")
            #expect(try await fixture.animals() == ["a 3"])
        }
    }

    @Test("Until it is interrupted it does what is appended; SIGTERM ends it after the transaction under way")
    func follows() async throws {
        try await ProjectFixture.with { fixture in
            let program = try fixture.shop.program.start(["project"], timeout: 120)
            try await fixture.append(ProjectFixture.registered("a"))
            try await fixture.shop.until("it is there", "SELECT EXISTS (SELECT FROM public.animals WHERE id = 'a')")
            let status = try await fixture.run("project", "status")
            #expect(status.output.contains("running"))
            let busy = try await fixture.run("project", "--once", code: 5)
            #expect(busy.errors.contains("another process is at work"))
            try await fixture.append(ProjectFixture.seen("a"))
            try await fixture.shop.until("it is seen", "SELECT seen = 1 FROM public.animals")
            program.signal(SIGTERM)
            let ended = try await program.finish()
            #expect(ended.code == 0 && ended.output.contains("animals: position 2 of 2"), "\(ended)")
        }
    }

    @Test("An event that cannot be done stops it with exit code 5 and the next step; mended, it goes on")
    func stops() async throws {
        try await ProjectFixture.with { fixture in
            try await fixture.append(
                ProjectFixture.registered("a"), ProjectFixture.registered("a"), ProjectFixture.seen("a"))
            let stopped = try await fixture.run("project", "--once", code: 5)
            let words = stopped.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("before event 2 (registered)") && words.contains("duplicate key"), "\(words)")
            #expect(words.contains("mend the statement file"))
            #expect(stopped.output == "animals: position 1 of 3, 1 event done\n")
            let status = try await fixture.run("project", "status")
            #expect(status.output.contains("stopped") && status.output.contains("event 2 (registered)"))
            try fixture.write(
                "INSERT INTO animals (id, name) VALUES (:key, :payload.name) ON CONFLICT DO NOTHING",
                to: "sql/registered.sql")
            try await fixture.run("project", "--once")
            #expect(try await fixture.animals() == ["a 1"])
        }
    }

    @Test("Dead letters of a projection are redriven by strata events, and tried again")
    func deadLetters() async throws {
        try await ProjectFixture.with(
            layout: ProjectFixture.layout.replacing("    tables:", with: "    on_error: dead_letter\n    tables:")
        ) { fixture in
            try await fixture.append(
                ProjectFixture.registered("a"), ProjectFixture.registered("a"), ProjectFixture.seen("a"))
            let done = try await fixture.run("project", "--once")
            #expect(done.output == "animals: position 3 of 3, 2 events done, 1 dead letter\n")
            let status = try await fixture.run("project", "status")
            let words = status.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("strata events dead list animals projection:animals"), "\(words)")
            #expect(
                try await fixture.run("events", "dead", "list", "animals", "projection:animals").output.contains(
                    "duplicate key"))
            try fixture.write(
                "UPDATE animals SET name = :payload.name, seen = seen + 10 WHERE id = :key", to: "sql/registered.sql")
            try await fixture.run("events", "dead", "redrive", "animals", "projection:animals", "--all")
            try await fixture.run("project", "--once")
            #expect(try await fixture.animals() == ["a 11"])
            #expect(
                try await fixture.run("events", "dead", "list", "animals", "projection:animals").output.hasPrefix(
                    "No dead letters"))
            #expect(!(try await fixture.run("project", "status").output.contains("lacks")))
        }
    }

    @Test("A rebuild that differs is refused with exit code 4; expected it is exchanged, undone, and dropped")
    func rebuild() async throws {
        try await ProjectFixture.with { fixture in
            #expect(
                try await fixture.run("project", "rebuild", "animals", "--undo", code: 1).errors.contains(
                    "nothing is kept"))
            try await fixture.append(ProjectFixture.registered("a"), ProjectFixture.seen("a"))
            let same = try await fixture.run("project", "rebuild", "animals", "--drop-old")
            #expect(same.output.contains("animals     1        1  equal"), "\(same.output)")
            try fixture.write("UPDATE animals SET seen = seen + 2 WHERE id = :key", to: "sql/seen.sql")
            let differs = try await fixture.run("project", "rebuild", "animals", code: 4)
            #expect(differs.output.contains("differs") && differs.output.contains("in column seen (1)"))
            let cut = try await fixture.run("project", "status")
            #expect(cut.output.contains("--cancel"))
            let json = try object(
                try await fixture.run(
                    "project", "rebuild", "animals", "--expect-difference", "--format", "json"
                ).output)
            #expect(json["outcome"] as? String == "rebuilt")
            #expect(try await fixture.animals() == ["a 2"])
            #expect(try await fixture.run("project", "rebuild", "animals", code: 1).errors.contains("drop-old"))
            #expect(
                try await fixture.run("project", "rebuild", "animals", "--undo", code: 1).errors.contains(
                    "put the statement files back"))
            #expect(try await fixture.animals() == ["a 2"])
            try fixture.write(ProjectFixture.files["sql/seen.sql"] ?? "", to: "sql/seen.sql")
            try await fixture.run("project", "rebuild", "animals", "--undo")
            #expect(try await fixture.animals() == ["a 1"])
            try await fixture.run("project", "drop-old", "animals")
            #expect(try await fixture.run("project", "drop-old", "animals", code: 1).errors.contains("nothing is kept"))
            try await fixture.shop.database.execute(
                "CREATE MATERIALIZED VIEW public.stored AS SELECT * FROM readmodels.animals")
            let refused = try await fixture.run("project", "rebuild", "animals", code: 1)
            let words = refused.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("materialized view") && words.contains("make it a view"), "\(words)")
        }
    }

    @Test(
        "Files that are not there, too large, no SQL, or that may not be, are refused with their place",
        arguments: [
            ("sql/none.sql", "", "there is no such file", "strata.yaml:10:"),
            ("sql", "", "it is a folder", "strata.yaml:10:"),
            ("sql/big.sql", String(repeating: "-", count: (1 << 20) + 1), "larger than 1 MiB", "strata.yaml:10:"),
            ("sql/empty.sql", "-- nothing\n", "has no statement", "strata.yaml:10:"),
            ("sql/bad.sql", "SELECT 1;\nSELEC", "syntax error", "bad.sql:2"),
            ("sql/ddl.sql", "\nDROP TABLE animals", "a projection inserts, updates", "ddl.sql:2"),
            ("sql/name.sql", "UPDATE readmodels.animals SET seen = 0", "leave the schema", "name.sql:1"),
            ("sql/other.sql", "UPDATE users SET name = 'x'", "writes into users", "other.sql:1"),
            ("sql/parameter.sql", "SELECT :nobody", "is no parameter", "parameter.sql:1"),
        ])
    func badFiles(_ file: String, _ text: String, _ says: String, _ place: String) async throws {
        let layout = ProjectFixture.layout.replacing("seen: sql/seen.sql", with: "seen: \(file)")
        try await ProjectFixture.with(layout: layout, hasStore: false) { fixture in
            if !text.isEmpty { try fixture.write(text, to: file) }
            let refused = try await fixture.run("project", "--once", code: 1)
            let words = refused.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains(says) && words.contains(place) && words.contains("try:"), "\(refused.errors)")
        }
    }

    @Test("What there is not is named: a projection, a layout that has none, a store, a stream, an organisation")
    func missing() async throws {
        try await ProjectFixture.with(hasStore: false) { fixture in
            #expect(
                try await fixture.run("project", "aminals", "--once", code: 1).errors.contains("there are: animals"))
            #expect(try await fixture.run("project", "--once", code: 1).errors.contains("strata events init"))
            #expect(try await fixture.run("project", "--jobs", "0", code: 64).errors.contains("1 to 64"))
            try await fixture.run("events", "init")
            #expect(try await fixture.run("project", "--once", code: 1).errors.contains("organization add"))
            try await fixture.run("events", "organization", "add", "Shelter")
            #expect(try await fixture.run("project", "--once", code: 1).errors.contains("no stream animals"))
            try fixture.shop.write(Workshop.layout)
            #expect(try await fixture.run("project", "--once", code: 1).errors.contains("declares no projection"))
        }
    }
}
