import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite struct PlanCommandTests {
    @Test func exitCodesTellWhetherThereIsSomethingToDo() async throws {
        try await Workshop.with { shop in
            let plan = try await shop.program.run("plan")
            #expect(plan.code == 0 && plan.output.contains("move table public.orders to sales"), "\(plan)")
            #expect(try await shop.program.run("plan", "--detailed-exit-code").code == 2)
            #expect(try await shop.places() == Workshop.unmoved)
            #expect(try await shop.column("SELECT count(*) FROM pg_namespace WHERE nspname = 'strata'") == ["0"])
            #expect(try await shop.program.run("apply").code == 0)
            let after = try await shop.program.run("plan", "--detailed-exit-code")
            #expect(after.code == 0 && after.output.contains("Nothing to do"), "\(after)")
        }
    }

    @Test func resultsGoToOneOutputAndTheRestToTheOther() async throws {
        try await Workshop.with { shop in
            for format in ["text", "json", "sql"] {
                let plan = try await shop.program.run("plan", "--format", format)
                #expect(plan.errors.isEmpty && !plan.output.isEmpty, "\(format): \(plan.errors)")
                #expect(!plan.output.contains("\u{1B}"), "no colours where there is no terminal")
            }
            let applied = try await shop.program.run("apply")
            #expect(
                applied.output.split(separator: "\n").count == 1 && applied.output.hasPrefix("Run 1 applied"),
                "\(applied)")
            #expect(applied.errors.contains("move table public.orders") && !applied.errors.contains("\u{1B}"))
        }
    }

    @Test func jsonHasStepsAndHazards() async throws {
        let pile =
            Workshop.pile + """
                CREATE FUNCTION shake(which text) RETURNS void LANGUAGE plpgsql AS
                'BEGIN
                    EXECUTE ''UPDATE '' || which || '' SET total = 0'';
                END';
                """
        try await Workshop.with(pile: pile, layout: Workshop.layout.replacing("views", with: "none")) { shop in
            let plan = try object(try await shop.program.run("plan", "--format", "json").output)
            let steps = try #require(plan["steps"] as? [[String: Any]])
            #expect(steps.count > 3)
            for (index, step) in steps.enumerated() {
                #expect(step["number"] as? Int == index + 1)
                for key in ["kind", "object", "duration", "reason"] {
                    #expect((step[key] as? String)?.isEmpty == false, "\(key)")
                }
                #expect(
                    (step["statements"] as? [String])?.isEmpty == false && (step["undo"] as? [String])?.isEmpty == false
                )
                #expect(step["locks"] is [Any] && step["inTransaction"] is Bool)
            }
            let hazards = try #require(plan["hazards"] as? [[String: Any]])
            #expect(hazards.count >= 2)
            for hazard in hazards {
                for key in ["code", "object", "message", "remedy"] {
                    #expect((hazard[key] as? String)?.isEmpty == false, "\(key)")
                }
            }
            let dynamic = try #require(
                hazards.first { $0["code"] as? String == "HAS_UNTRACKABLE_DEPENDENCIES" }, "\(hazards)")
            #expect(dynamic["line"] as? Int == 2)
        }
    }

    /// A copy of the database keeps all OIDs, so that the same catalog has the same fingerprint.
    @Test func theScriptDoesWhatApplyDoes() async throws {
        try await Workshop.with { shop in
            let copy = shop.database.name + "_copy"
            let admin = try await Connection.open(try shop.database.settings.settings(["dbname": "postgres"]))
            try await admin.execute("CREATE DATABASE \(copy) TEMPLATE \(shop.database.name)")
            do {
                let script = try await shop.program.run("plan", "--format", "sql").output
                try Data(script.utf8).write(to: shop.folder.appending(path: "move.sql"))
                let url = try Workshop.url(of: copy)
                let psql = try shop.program.start(
                    ["psql", "-Xqv", "ON_ERROR_STOP=1", "-f", "move.sql", url],
                    executable: URL(filePath: "/usr/bin/env"))
                let ran = try await psql.finish()
                #expect(ran.code == 0, "\(ran.errors)")
                let applied = try object(try await shop.program.run("apply", "--format", "json").output)
                let after = try #require(applied["fingerprintAfter"] as? String)
                let other = try await shop.program.run("plan", "--format", "json", "--url", url)
                #expect(try object(other.output)["fingerprint"] as? String == after)
                #expect(try object(other.output)["steps"] as? [String] == [])
                try await admin.execute("DROP DATABASE \(copy)")
            } catch {
                try await admin.execute("DROP DATABASE \(copy)")
                throw error
            }
            await admin.close()
        }
    }

    @Test func aSavedPlanIsAppliedOrRefused() async throws {
        try await Workshop.with { shop in
            let saved = try await shop.program.run("plan", "--out", "friday.plan")
            #expect(saved.code == 0 && saved.errors.contains("strata apply --plan friday.plan"), "\(saved)")
            try FileManager.default.removeItem(at: shop.folder.appending(path: "strata.yaml"))
            let url = try Workshop.url(of: shop.database.name)
            let applied = try await shop.program.run("apply", "--plan", "friday.plan", "--url", url)
            #expect(applied.code == 0, "\(applied.errors)")
            #expect(try await shop.places() == Workshop.moved)
            let again = try await shop.program.run("apply", "--plan", "friday.plan", "--url", url)
            #expect(again.code == 1 && again.errors.contains("is now") && again.errors.contains("try:"), "\(again)")
            try Data("{}".utf8).write(to: shop.folder.appending(path: "broken.plan"))
            let broken = try await shop.program.run("apply", "--plan", "broken.plan", "--url", url)
            #expect(broken.code == 1 && broken.errors.contains("not a plan"), "\(broken)")
            let missing = try await shop.program.run("apply", "--plan", "none.plan", "--url", url)
            #expect(
                missing.code == 1 && missing.errors.contains("none.plan") && missing.errors.contains("no such file"),
                "\(missing)")
        }
    }

    @Test(arguments: ["text", "statements", "hazards", "nothing"]) func goldenText(name: String) async throws {
        let layout = name == "hazards" ? Workshop.layout.replacing("views", with: "none") : Workshop.layout
        try await Workshop.with(layout: layout) { shop in
            if name == "nothing" { _ = try await shop.program.run("apply") }
            let arguments = ["plan"] + (name == "statements" ? ["--show-sql"] : [])
            let output = try await shop.program.start(arguments, environment: ["COLUMNS": "80"]).finish().output
            // Neither the database's name nor the server's version is what is looked at.
            let text = output.replacing(shop.database.name, with: "DATABASE").replacing(
                /PostgreSQL \d+/, with: "PostgreSQL NN"
            )
            .replacing(" WITH (security_invoker = true)", with: "")
            let lines = text.split(separator: "\n").dropFirst()
            #expect(name == "statements" || lines.allSatisfy { $0.count <= 80 })
            try Golden.compare(text, with: "plan-\(name).txt")
        }
    }
}

/// Texts as they should be, in files. `STRATA_RECORD=1` writes them anew, and fails so that nobody forgets to look.
enum Golden {
    static func compare(_ text: String, with name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
        if ProcessInfo.processInfo.environment["STRATA_RECORD"] == "1" {
            try Data(text.utf8).write(to: file)
            Issue.record("recorded \(name): look at it, then run without STRATA_RECORD", sourceLocation: sourceLocation)
            return
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        #expect(text == expected, "differs from Golden/\(name)", sourceLocation: sourceLocation)
    }
}
