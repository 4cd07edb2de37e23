import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata events export`, `archive`, `retain`, `maintain`, as a person runs them.
@Suite struct EventsArchiveCommandTests {
    private func with(_ body: (Workshop) async throws -> Void) async throws {
        try await Workshop.with { shop in
            for words in [["init"], ["organization", "add", "Shelter"], ["stream", "add", "animals"]] {
                #expect(try await shop.program.start(["events"] + words).finish().code == 0)
            }
            try await body(shop)
        }
    }

    @discardableResult
    private func run(
        _ shop: Workshop, _ words: String..., code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Program.Result {
        let result = try await shop.program.start(["events"] + words).finish(sourceLocation)
        #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
        return result
    }

    /// Events of earlier months, in their partitions.
    private func past(_ shop: Workshop, _ count: Int, months: ClosedRange<Int>) async throws {
        for month in months.reversed() {
            let start = "(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '\(month) months')"
            try await shop.database.execute(
                """
                DO $$ DECLARE name text := 'events_' || to_char(\(start), 'YYYY_MM'); BEGIN
                    EXECUTE format('CREATE TABLE events.%I PARTITION OF events.events FOR VALUES FROM (%L) TO (%L)', name, \(start), \(start) + interval '1 month');
                END $$;
                INSERT INTO events.stream_partitions SELECT id, last_position + 1, org_id, \(start) FROM events.event_streams;
                INSERT INTO events.events SELECT events.new_id(at), s.id, jsonb_build_object('n', n), '{}', at, s.org_id, s.last_position + n, 'counted', NULL, 1
                FROM events.event_streams s, generate_series(1, \(count)) n, LATERAL (SELECT \(start) + n * interval '1 second' AS at) t;
                UPDATE events.event_streams SET last_position = last_position + \(count), last_at = \(start) + interval '20 days';
                """)
        }
    }

    @Test(
        "Each command has an example, in lines that a terminal has room for",
        arguments: [
            ["export"], ["retain"], ["maintain"], ["archive"], ["archive", "run"], ["archive", "list"],
            ["archive", "verify"], ["archive", "restore"], ["subject"], ["subject", "protect"], ["subject", "forget"],
            ["subject", "readmit"], ["subject", "list"], ["subject", "rewrap"],
        ])
    func help(_ command: [String]) async throws {
        try await Workshop.withFolder { program in
            let result = try await program.start(["events"] + command + ["--help"], environment: ["COLUMNS": "80"])
                .finish()
            #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
            let lines = result.output.split(separator: "\n")
            let words = command == ["archive", "run"] ? ["archive"] : command
            #expect(
                lines.contains { $0.contains("strata events " + words.joined(separator: " ")) && $0.hasPrefix("  ") })
            #expect(lines.allSatisfy { $0.count <= 80 || $0.hasPrefix("USAGE") }, "\(result.output)")
        }
    }

    @Test("S3.31 An export: the file, its manifest, what is printed; to stdout; what it refuses")
    func export() async throws {
        try await with { shop in
            let lines = (1...3).map { "{\"type\": \"t\", \"payload\": \($0), \"key\": \"k\"}\n" }.joined()
            try Data(lines.utf8).write(to: shop.folder.appending(path: "in"))
            try await run(shop, "append", "animals", "in")
            let done = try await run(shop, "export", "animals", "--output", "a.jsonl")
            #expect(done.output.contains("3 events of animals") && done.output.contains("SHA-256 "))
            let digest = try #require(done.output.split(separator: " ").last).trimmingCharacters(in: .newlines)
            let manifest = try object(
                String(contentsOf: shop.folder.appending(path: "a.jsonl.manifest.json"), encoding: .utf8))
            #expect(manifest["sha256"] as? String == digest && manifest["events"] as? Int == 3)
            #expect(
                try await run(shop, "export", "animals", "--output", "a.jsonl", code: 1).errors.contains("--replace"))
            try await run(shop, "export", "--all", "--output", "a.jsonl", "--replace", "--format", "json")
            let piped = try await run(shop, "export", "animals", "--output", "-", "--after", "2")
            #expect(piped.output.split(separator: "\n").count == 1 && piped.errors.contains("SHA-256"))
            // Its lines can be appended.
            let file = try String(contentsOf: shop.folder.appending(path: "a.jsonl"), encoding: .utf8)
            #expect(file.hasSuffix(piped.output))
            #expect(try await run(shop, "append", "animals", "a.jsonl").output == "Appended: animals 4 to 6\n")
            for (words, says) in [
                (["export", "--output", "x"], "--all"), (["export", "animals", "--all", "--output", "x"], "--all"),
                (["export", "--all", "--after", "1", "--output", "x"], "--after"),
                (["export", "animals", "--from", "soon", "--output", "x"], "soon"),
                (["archive", "--to", "x", "--lock-timeout", "1h"], "10ms"),
                (["maintain", "--keys-older-than", "1s"], "1h"),
                (["archive", "restore", "a.jsonl", "--into", "x"], "schema.table"),
                (["retain", "--keep", "always"], "always"),
            ] {
                let refused = try await shop.program.start(["events"] + words).finish()
                #expect(refused.code == 64 && refused.errors.contains(says), "\(words): \(refused)")
            }
        }
    }

    @Test(
        "S3.17 Killed at any moment, archive comes to the same end: every event is in one intact file, or still in the store"
    )
    func killed() async throws {
        try await with { shop in
            try await past(shop, 3_000, months: 2...5)
            var kills = 0
            for round in 0..<30 {
                let program = try shop.program.start(
                    ["events", "archive", "--older-than", "1d", "--to", "archive"], timeout: 120)
                // Later each time: somewhere in each of its steps.
                let timer = Task {
                    try await Task.sleep(for: .milliseconds(40 + 15 * round))
                    program.signal(SIGKILL)
                }
                let result = try await program.finish()
                timer.cancel()
                kills += result.wasKilled ? 1 : 0
                #expect(result.wasKilled || result.code == 0, "\(result)")
                // What is not in the store was in its partitions, and is in a file: nothing is in neither.
                let floor = try await shop.column("SELECT floor_position FROM events.event_streams")
                let there = try await shop.column("SELECT count(*) FROM events.events")
                #expect(Int(floor[0])! + Int(there[0])! == 12_000)
                if !result.wasKilled { break }
            }
            try await run(shop, "archive", "--older-than", "1d", "--to", "archive")
            #expect(kills > 0)
            #expect(try await shop.column("SELECT floor_position FROM events.event_streams") == ["12000"])
            #expect(
                try await shop.column(
                    "SELECT count(*) FROM pg_class WHERE relname LIKE 'archived_events%' AND relkind = 'r'") == ["0"])
            let verified = try await run(shop, "archive", "verify", "archive", "--format", "json")
            let entries = try #require(
                try JSONSerialization.jsonObject(with: Data(verified.output.utf8)) as? [[String: Any]])
            #expect(entries.count == 4 && entries.allSatisfy { $0["state"] as? String == "intact" })
            var positions: [Int] = []
            for entry in entries {
                let file = try #require(entry["file"] as? String)
                for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
                    positions.append(try #require(try object(String(line))["position"] as? Int))
                }
            }
            #expect(positions == Array(1...12_000))
        }
    }

    @Test("Archive: what would go and what keeps it; list, verify, restore; retention; maintenance")
    func walk() async throws {
        try await with { shop in
            try await past(shop, 20, months: 2...3)
            try await run(shop, "group", "add", "animals", "mailer")
            try await run(shop, "retain", "animals", "--keep", "9000d")
            #expect(try await run(shop, "retain").output.contains("9000 days"))
            let kept = try await run(shop, "archive", "--to", "archive", "--dry-run")
            #expect(kept.output.contains("stays") && kept.output.contains("kept until"))
            #expect(try await run(shop, "archive", "--to", "archive").output.contains("Nothing is over"))
            try await run(shop, "retain", "animals", "--keep", "1d")
            let behind = try await run(shop, "archive", "--to", "archive", code: 1)
            #expect(behind.errors.contains("mailer") && behind.errors.contains("--leave-behind"))
            let planned = try object(
                await run(shop, "archive", "--to", "archive", "--dry-run", "--format", "json").output)
            #expect((planned["partitions"] as? [[String: Any]])?.first?["isDue"] as? Bool == true)
            let holder = try await shop.database.connect()
            try await holder.execute("BEGIN; SELECT count(*) FROM events.events")
            let held = try await run(
                shop, "archive", "--to", "archive", "--leave-behind", "--lock-wait", "0s", code: 5)
            #expect(held.errors.contains("holds the tables") || held.errors.contains("locks did not come"))
            #expect(held.errors.contains("nothing is lost"))
            #expect(try await shop.column("SELECT count(*) FROM events.events") == ["40"])
            await holder.close()
            let done = try await run(shop, "archive", "--to", "archive", "--leave-behind")
            #expect(done.output.contains("Archived: 2 partitions with 40 events"))
            #expect(try await run(shop, "archive", "list", "archive").output.contains("jsonl"))
            #expect(try await run(shop, "archive", "verify", "archive").output.contains("intact"))
            let gone = try await run(shop, "read", "animals", code: 1)
            #expect(gone.errors.contains("events up to 40 are archived") && gone.errors.contains("after 40"))
            let files = try FileManager.default.contentsOfDirectory(atPath: shop.folder.path + "/archive").sorted()
            let first = "archive/" + files[0]
            try await shop.database.execute("CREATE SCHEMA old")
            try await run(shop, "archive", "restore", first, "--into", "old.events")
            #expect(try await shop.column("SELECT count(*) FROM old.events") == ["20"])
            try Data("{}\n".utf8).write(to: shop.folder.appending(path: first))
            let differs = try await run(shop, "archive", "verify", "archive", code: 4).errors
            #expect(
                differs.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains("not what was written"))
            let check = try await run(shop, "maintain", "--check", "--ahead", "5", code: 2)
            #expect(check.output.contains("3 ahead"))
            #expect(try await run(shop, "maintain", "--ahead", "5").output.contains("5 ahead, 2 made"))
            try await run(shop, "maintain", "--check", "--ahead", "5")
        }
    }
}
