import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite struct ApplyCommandTests {
    @Test func thereAndBack() async throws {
        try await Workshop.with { shop in
            let before =
                try object(try await shop.program.run("plan", "--format", "json").output)["fingerprint"] as? String
            let applied = try await shop.program.run("apply", "--yes", "--format", "json")
            let report = try object(applied.output)
            #expect(applied.code == 0 && applied.errors.isEmpty, "\(applied)")
            #expect(report["run"] as? Int == 1 && report["fingerprintBefore"] as? String == before)
            #expect(try await shop.places() == Workshop.moved)
            #expect(try await shop.column("SELECT count(*) FROM orders") == ["100"])
            let again = try await shop.program.run("apply")
            #expect(again.code == 0 && again.output.contains("Nothing to do"))
            #expect(try object(try await shop.program.run("apply", "--format", "json").output)["steps"] as? Int == 0)

            let undone = try await shop.program.run("rollback")
            #expect(undone.code == 0 && undone.output.contains("exactly as it was before"), "\(undone)")
            #expect(try await shop.places() == Workshop.unmoved)
            let nothing = try await shop.program.run("rollback")
            #expect(
                nothing.code == 0 && nothing.output == "Nothing was undone.\n" && nothing.errors.isEmpty, "\(nothing)")
        }
    }

    @Test func hazardsAskForConsent() async throws {
        try await Workshop.with(layout: Workshop.layout.replacing("views", with: "none")) { shop in
            let refused = try await shop.program.run("apply", "--yes")
            #expect(refused.code == 3 && refused.output.isEmpty, "\(refused)")
            let words = refused.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("strata apply --accept OLD_NAME_FAILS"), "\(words)")
            #expect(try await shop.places() == Workshop.unmoved)
            let accepted = try await shop.program.run("apply", "--yes", "--accept", "old_name_fails")
            #expect(accepted.code == 0, "\(accepted)")
            #expect(try await shop.places() == Workshop.moved)
        }
    }

    @Test func statusTellsTheHistory() async throws {
        try await Workshop.with { shop in
            let empty = try await shop.program.run("status")
            #expect(empty.code == 0 && empty.output.contains("No run yet"))
            #expect(try await shop.program.run("status", "--format", "json").output == "[\n\n]\n")
            _ = try await shop.program.run("apply")
            let text = try await shop.program.run("status")
            #expect(text.code == 0 && text.errors.isEmpty)
            let lines = text.output.split(separator: "\n")
            #expect(
                lines.count == 2 && lines[0].hasPrefix("RUN") && lines[1].contains("apply")
                    && lines[1].contains("done"), "\(text)")
            _ = try await shop.program.run("rollback")
            let json = try await shop.program.run("status", "--format", "json").output
            let runs = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
            #expect(runs.count == 1 && runs[0]["state"] as? String == "undone" && runs[0]["kind"] as? String == "apply")
        }
    }

    @Test func contractAsksForEvidence() async throws {
        try await Workshop.with { shop in
            let none = try await shop.program.run("contract")
            #expect(none.code == 0 && none.output.contains("no compatibility objects"), "\(none)")
            _ = try await shop.program.run("apply")
            let unknown = try await shop.program.run("contract", "--yes")
            #expect(unknown.code == 3 && unknown.errors.contains("USE_UNKNOWN"), "\(unknown)")
            let done = try await shop.program.run("contract", "--yes", "--accept", "USE_UNKNOWN")
            #expect(done.code == 0, "\(done)")
            #expect(try await shop.column("SELECT count(*) FROM pg_views WHERE schemaname = 'public'") == ["0"])
            for _ in 1...2 { #expect(try await shop.program.run("rollback").code == 0) }
            #expect(try await shop.places() == Workshop.unmoved)
        }
    }

    /// Holds a lock on `table` in a transaction that is older than Strata's patience.
    private func hold(_ table: String, in shop: Workshop) async throws -> Connection {
        let connection = try await shop.database.connect()
        try await connection.execute("BEGIN; SELECT count(*) FROM \(table); SELECT pg_sleep(0.3)")
        return connection
    }

    @Test func aLockThatNeverComesFreeEndsWithFive() async throws {
        try await Workshop.with { shop in
            let holder = try await hold("orders", in: shop)
            let stopped = try await shop.program.run("apply", "--lock-wait", "500ms")
            #expect(stopped.code == 5 && stopped.output.isEmpty, "\(stopped)")
            #expect(
                stopped.errors.contains("public.orders") && stopped.errors.contains("pid \(holder.backendPID)"),
                "\(stopped.errors)")
            #expect(stopped.errors.contains("try: strata apply resumes it"), "\(stopped.errors)")
            let status = try await shop.program.run("status")
            #expect(status.output.contains("Run 1 is not finished"), "\(status)")
            try await holder.execute("COMMIT")
            await holder.close()
            let resumed = try await shop.program.run("apply")
            #expect(resumed.code == 0 && resumed.errors.contains("resuming run 1"), "\(resumed)")
            #expect(try await shop.places() == Workshop.moved)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM]) func anInterruptionEndsWithFive(signal: Int32) async throws {
        try await Workshop.with { shop in
            let holder = try await hold("orders", in: shop)
            let apply = try shop.program.start(["apply"])
            try await shop.until("it waits for orders", Self.doneSteps(atLeast: 1, of: "public.customers"))
            apply.signal(signal)
            let result = try await apply.finish()
            #expect(result.code == 5 && !result.wasKilled && result.errors.contains("interrupted"), "\(result)")
            #expect(try await shop.column("SELECT state FROM strata.runs") == ["stopped"])
            try await holder.execute("COMMIT")
            await holder.close()
            #expect(try await shop.program.run("rollback").code == 0)
            #expect(try await shop.places() == Workshop.unmoved)
        }
    }

    /// True when so many steps are done; also asked where there is no ledger yet, which a plain query would not survive.
    private static func doneSteps(atLeast count: Int, of object: String = "%") -> String {
        """
        SELECT to_regclass('strata.steps') IS NOT NULL AND (xpath('/row/n/text()', query_to_xml(
            'SELECT count(*) AS n FROM strata.steps WHERE state = ''done'' AND object LIKE ''\(object)''',
            true, true, '')))[1]::text::int >= \(count)
        """
    }

    /// Killed while it waits for the lock of one step after the other.
    @Test(arguments: ["customers", "orders", "events"]) func killedAndResumed(at table: String) async throws {
        try await Workshop.with { shop in
            let first = try object(try await shop.program.run("apply", "--format", "json").output)
            let back = try object(try await shop.program.run("rollback", "--format", "json").output)
            #expect(back["fingerprintAfter"] as? String == first["fingerprintBefore"] as? String)

            let holder = try await hold(table, in: shop)
            let apply = try shop.program.start(["apply"])
            try await shop.until(
                "it tries to move \(table)",
                """
                SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()
                AND application_name LIKE 'strata apply%' AND query LIKE '%ALTER TABLE public.\(table)%'
                """)
            apply.signal(SIGKILL)
            #expect(try await apply.finish().wasKilled)
            #expect(try await shop.column("SELECT state FROM strata.runs WHERE id = 2") == ["running"])
            let places = try await shop.places()
            #expect(places.contains("public.\(table)"))
            try await holder.execute("COMMIT")
            await holder.close()

            let resumed = try await shop.program.run("apply", "--format", "json")
            #expect(resumed.code == 0, "\(resumed)")
            #expect(try object(resumed.output)["fingerprintAfter"] as? String == first["fingerprintAfter"] as? String)
            let undone = try object(try await shop.program.run("rollback", "--format", "json").output)
            #expect(undone["fingerprintAfter"] as? String == first["fingerprintBefore"] as? String)
            #expect(try await shop.places() == Workshop.unmoved)
        }
    }

    /// Killed as soon as a number of steps is done, wherever it then is; and the rollback killed as well.
    @Test(arguments: [1, 4, 7]) func killedAfterSteps(steps: Int) async throws {
        try await Workshop.with { shop in
            let before =
                try object(try await shop.program.run("plan", "--format", "json").output)["fingerprint"] as? String
            let apply = try shop.program.start(["apply"])
            try await shop.until("\(steps) steps are done", Self.doneSteps(atLeast: steps))
            apply.signal(SIGKILL)
            _ = try await apply.finish()
            let rollback = try shop.program.start(["rollback"])
            rollback.signal(SIGKILL)
            _ = try await rollback.finish()
            if try await shop.column("SELECT state FROM strata.runs").allSatisfy({ !$0.hasPrefix("und") }) {
                #expect(try await shop.program.run("apply").code == 0)
                #expect(try await shop.places() == Workshop.moved)
            }
            let undone = try object(try await shop.program.run("rollback", "--format", "json").output)
            #expect(undone["fingerprintAfter"] as? String == before)
            #expect(try await shop.places() == Workshop.unmoved)
        }
    }

    /// The transaction that the index waits for goes on after the kill: the server must not wait with it, lock in hand.
    @Test func killedWhileAnIndexWaits() async throws {
        try await Workshop.with { shop in
            _ = try await shop.program.run("apply")
            let before =
                try object(try await shop.program.run("plan", "--format", "json").output)["fingerprint"] as? String
            try shop.write(Workshop.layout + "\n  - { table: people.customers, columns: [name] }")
            let old = try await shop.database.connect()
            try await old.execute("BEGIN; INSERT INTO people.customers (name) VALUES ('slow')")
            let apply = try shop.program.start(["apply"])
            try await shop.until("the index waits", "SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid")
            apply.signal(SIGKILL)
            #expect(try await apply.finish().wasKilled)
            let undone = try shop.program.start(["rollback", "--format", "json"])
            try await shop.until(
                "rollback has the run lock",
                "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'strata rollback%' AND query LIKE 'DROP INDEX%'"
            )
            try await old.execute("ROLLBACK")
            await old.close()
            let result = try await undone.finish()
            #expect(result.code == 0, "\(result)")
            #expect(try object(result.output)["fingerprintAfter"] as? String == before)
            #expect(try await shop.column("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == ["0"])
        }
    }

    @Test func theSecondApplyIsRefused() async throws {
        try await Workshop.with { shop in
            let holder = try await hold("orders", in: shop)
            let first = try shop.program.start(["apply"])
            try await shop.until("it waits for orders", Self.doneSteps(atLeast: 1, of: "public.customers"))
            let second = try await shop.program.run("apply")
            #expect(second.code == 1 && second.errors.contains("another run is at work"), "\(second)")
            #expect(second.errors.contains("strata apply") && second.errors.contains("pid"), "\(second)")
            try await holder.execute("COMMIT")
            await holder.close()
            #expect(try await first.finish().code == 0)
        }
    }
}
