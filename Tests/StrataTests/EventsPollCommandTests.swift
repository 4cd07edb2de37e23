import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata events poll`, `commit`, `fail`, `leave` and `consume`: members of a group from a shell, killed at any point.
@Suite struct EventsPollCommandTests {
    private struct Place {
        let shop: Workshop

        @discardableResult
        func run(
            _ words: String..., code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Program.Result {
            let result = try await start(words).finish(sourceLocation)
            #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
            return result
        }

        func start(_ words: [String]) throws -> RunningProgram {
            try shop.program.start(["events"] + words, timeout: 120)
        }

        func append(_ numbers: ClosedRange<Int>) async throws {
            let lines = numbers.map { "{\"type\": \"t\", \"key\": \"k\($0 % 3)\", \"payload\": \($0)}" }
            let url = shop.folder.appending(path: "\(UUID().uuidString).ndjson")
            try Data(lines.joined(separator: "\n").utf8).write(to: url)
            try await run("append", "animals", url.path)
        }

        func poll(
            _ words: String..., member: String = "m", sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> (positions: [Int], letters: [String], cursor: String?) {
            let result = try await start(
                ["poll", "animals", "mailer", "--member", member, "--format", "json"] + words
            ).finish(sourceLocation)
            #expect(result.code == 0, "\(result)", sourceLocation: sourceLocation)
            let lines = try result.output.split(separator: "\n").map { try object(String($0)) }
            let last = try #require(lines.last)
            #expect(last["events"] as? Int == lines.count - 1, sourceLocation: sourceLocation)
            return (
                lines.compactMap { $0["deadLetter"] == nil ? $0["position"] as? Int : nil },
                lines.compactMap { $0["deadLetter"] as? String }, last["cursor"] as? String
            )
        }

        /// One line for each time that an event was seen.
        func seen() throws -> [Int] {
            let url = shop.folder.appending(path: "seen")
            guard FileManager.default.fileExists(atPath: url.path) else { return [] }
            return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").compactMap { line in
                (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["payload"] as? Int
            }
        }
    }

    private func with(slots: String = "1", attempts: String = "2", _ body: (Place) async throws -> Void) async throws {
        try await Workshop.with { shop in
            let place = Place(shop: shop)
            try await place.run("init")
            try await place.run("organization", "add", "Shelter")
            try await place.run("stream", "add", "animals")
            try await place.run("group", "add", "animals", "mailer", "--slots", slots, "--attempts", attempts)
            try await body(place)
        }
    }

    @Test("Polled, committed, failed until it is a dead letter, redriven; each step by its cursor")
    func walk() async throws {
        try await with { place in
            let nothing = try await place.poll()
            #expect(nothing.positions.isEmpty && nothing.cursor == nil)
            try await place.append(1...6)
            let first = try await place.poll("--limit", "2")
            #expect(first.positions == [1, 2])
            #expect(try await place.poll("--limit", "2").positions == [1, 2])
            let cursor = try #require(first.cursor)
            #expect(try await place.run("commit", "animals", "mailer", cursor).output == "Committed: 1 slot.\n")
            let again = try await place.run("commit", "animals", "mailer", cursor, code: 1)
            #expect(again.errors.contains("lease was lost") && again.errors.contains("poll again"))
            let second = try #require(try await place.poll().cursor)
            let failed = try object(
                await place.run(
                    "fail", "animals", "mailer", second, "4", "--reason", "no address", "--format", "json"
                ).output)
            #expect(failed["outcome"] as? String == "retry" && failed["attempts"] as? Int == 1)
            #expect(failed["nextTry"] as? String != nil)
            try await place.shop.database.execute("UPDATE events.group_slots SET next_try = '-infinity'")
            let third = try await place.poll()
            #expect(third.positions == [4, 5, 6])
            let dead = try await place.run(
                "fail", "animals", "mailer", try #require(third.cursor), "4", "--reason", "no address")
            #expect(dead.output.contains("strata events dead list animals mailer"))
            try await place.run("dead", "redrive", "animals", "mailer", "--all")
            let fourth = try await place.poll()
            #expect(fourth.positions == [5, 6] && fourth.letters.count == 1)
            try await place.run(
                "fail", "animals", "mailer", try #require(fourth.cursor), fourth.letters[0], "--reason", "still none")
            #expect(try await place.run("dead", "list", "animals", "mailer").output.contains("still none"))
            let text = try await place.run("poll", "animals", "mailer", "--member", "m")
            #expect(text.output == "Nothing for m.\n")
            #expect(try await place.run("group", "list", "animals").output.contains("6    0"))
        }
    }

    @Test("A member that is fenced is told so; one that leaves gives its slots up at once; long polls are woken")
    func members() async throws {
        try await with { place in
            try await place.append(1...3)
            let first = try await place.poll("--lease", "1h", member: "a")
            #expect(try await place.poll(member: "b").positions.isEmpty)
            try await place.run("leave", "animals", "mailer", "--member", "a")
            let second = try await place.poll(member: "b")
            #expect(second.positions == [1, 2, 3])
            for words in [["commit"], ["fail"]] {
                let late = try await place.start(
                    words + ["animals", "mailer", try #require(first.cursor)]
                        + (words == ["fail"] ? ["1", "--reason", "r"] : [])
                ).finish()
                #expect(late.code == 1 && late.errors.contains("lease was lost"), "\(late)")
            }
            try await place.run("commit", "animals", "mailer", try #require(second.cursor))
            let waiting = try place.start(
                ["poll", "animals", "mailer", "--member", "b", "--wait", "1h", "--format", "json"])
            try await eventually("it listens") {
                try await place.shop.column(
                    "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                ) == ["1"]
            }
            try await place.append(4...4)
            let woken = try await waiting.finish()
            #expect(woken.code == 0 && woken.output.contains("\"position\":4"), "\(woken)")
        }
    }

    @Test("What is no cursor, or of another group, is refused before anything is done")
    func refused() async throws {
        try await with { place in
            try await place.append(1...3)
            let cursor = try #require(try await place.poll().cursor)
            try await place.run("group", "add", "animals", "other")
            for (words, code, says) in [
                (["commit", "animals", "mailer", String(cursor.dropLast(9))], 1, "no cursor"),
                (["commit", "animals", "other", cursor], 1, "another group"),
                (["commit", "animals", "nobody", cursor], 1, "no group nobody"),
                (["fail", "animals", "mailer", cursor, "9", "--reason", "r"], 1, "no event at 9"),
                (["fail", "animals", "mailer", cursor, "x", "--reason", "r"], 64, "neither a position"),
                (["fail", "animals", "mailer", cursor, "1", "--reason", ""], 64, "1 to 2000"),
                (["poll", "animals", "mailer"], 64, "--member"),
                (["poll", "animals", "mailer", "--member", "m", "--wait", "2h"], 64, "0s to 1h"),
                (["poll", "animals", "mailer", "--member", "m", "--lease", "1ms"], 64, "1s to 1h"),
                (["consume", "animals", "mailer"], 64, "which program"),
            ] as [([String], Int32, String)] {
                let result = try await place.start(words).finish()
                let text = result.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                #expect(result.code == code && text.contains(says), "\(words): \(result)")
            }
            #expect(try await place.poll().positions == [1, 2, 3])
            // The other cursor is still good: nothing has moved.
            try await place.run("commit", "animals", "mailer", cursor)
            try await place.append(4...4)
            let none = try await place.run(
                "consume", "animals", "mailer", "--member", "m", "--once", "--", "no such program", code: 1)
            #expect(none.errors.contains("cannot run no such program"), "\(none)")
            #expect(try await place.poll().positions == [4])
        }
    }

    @Test(
        "A program gets the batches; the one event that it cannot do is found out, tried again, and becomes a dead letter"
    )
    func consume() async throws {
        try await with(slots: "4") { place in
            try await place.append(1...20)
            let words = ["consume", "animals", "mailer", "--once", "--limit", "8", "--", "sh", "-c"]
            let done = try await place.start(words + ["grep -q '\"payload\":7,' - && exit 3; exit 0"]).finish()
            #expect(done.code == 0 && done.errors.contains("event 7: sh exited with 3; attempt 1"), "\(done)")
            try await place.shop.database.execute("UPDATE events.group_slots SET next_try = '-infinity'")
            let again = try await place.start(
                words + ["b=$(cat); case $b in *'\"payload\":7,'*) exit 3;; esac; echo \"$b\" >> seen"]
            )
            .finish()
            #expect(
                again.code == 0 && again.errors.contains("event 7: sh exited with 3; it is a dead letter"), "\(again)")
            #expect(try place.seen().allSatisfy { $0 > 7 })
            #expect(try await place.run("group", "list", "animals").output.contains("20    0"))
            let letters = try await place.run("dead", "list", "animals", "mailer")
            #expect(letters.output.contains("7  ") && letters.output.contains("sh exited with 3 (2 attempts"))
            // Redriven, by a program that does not read what it gets.
            try await place.run("dead", "redrive", "animals", "mailer", "--all")
            #expect(try await place.start(words + ["exit 0"]).finish().code == 0)
            #expect(try await place.run("dead", "list", "animals", "mailer").output.contains("No dead letters"))
            // Whoever has ended is no member any more.
            #expect(try await place.shop.column("SELECT count(*)::text FROM events.group_members") == ["0"])
        }
    }

    @Test("Told to end, it ends its program, counts no attempt, and gives its slots up")
    func ends() async throws {
        try await with { place in
            try await place.append(1...3)
            let running = try place.start(
                ["consume", "animals", "mailer", "--lease", "1h", "--", "sh", "-c", "cat > seen; exec sleep 600"])
            try await eventually("the program runs") { try place.seen().count == 3 }
            running.signal(SIGTERM)
            let ended = try await running.finish()
            #expect(ended.code == 0, "\(ended)")
            #expect(try await place.shop.column("SELECT attempts::text FROM events.group_slots") == ["0"])
            #expect(try await place.poll(member: "next").positions == [1, 2, 3])
        }
    }

    @Test(
        "Killed with -9 at random, it loses nothing: each event is seen at least once, and the group comes to its end")
    func killed() async throws {
        try await with(slots: "4") { place in
            try await place.append(1...400)
            try await KilledAtRandom {
                try place.start([
                    "consume", "animals", "mailer", "--member", "m", "--lease", "1h", "--limit", "20", "--once", "--",
                    "sh", "-c", "cat >> seen",
                ])
            }.run("killed consumers", usual: 16)
            #expect(Set(try place.seen()) == Set(1...400))
            #expect(try await place.run("group", "list", "animals").output.contains("400    0"))
            #expect(try await place.run("dead", "list", "animals", "mailer").output.contains("No dead letters"))
        }
    }
}
