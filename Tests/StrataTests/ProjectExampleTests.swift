import Foundation
import PostgresDriver
import TestSupport
import Testing

/// HausPet's read models from its 15 events, by the commands of its README.
@Suite struct ProjectExampleTests {
    private static let folder = TestServer.repository.appending(path: "Examples/hauspet")

    private struct Place {
        let shop: Workshop

        @discardableResult
        func run(
            _ words: String..., code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Program.Result {
            let result = try await shop.program.start(words, timeout: 120).finish(sourceLocation)
            #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
            return result
        }

        /// Both read models, without what no event says; `updated_at` is when the row was written.
        func content(_ schema: String = "readmodels") async throws -> [String] {
            try await shop.column(
                """
                SELECT (id, name, search_name, type, breed_id, registered_by, born_on, status, sponsor_count, created_at)::text
                FROM \(schema).animals UNION ALL
                SELECT (id, animal_id, user_id, receipt_no, amount_monthly, active, started_at)::text FROM \(schema).sponsorships ORDER BY 1
                """)
        }
    }

    /// The pile in its place, with a store and no event; and what the read models had before.
    private func with(_ body: (Place, _ before: [String]) async throws -> Void) async throws {
        let pile = try String(contentsOf: Self.folder.appending(path: "before.sql"), encoding: .utf8)
        try await Workshop.with(pile: pile, layout: "strata: 1\n") { shop in
            for name in ["layout.yaml", "projections", "events.ndjson"] {
                try FileManager.default.copyItem(
                    at: Self.folder.appending(path: name), to: shop.folder.appending(path: name))
            }
            // As in the example's folder, where no layout has the name that commands look for.
            try FileManager.default.removeItem(at: shop.folder.appending(path: "strata.yaml"))
            let place = Place(shop: shop)
            try await place.run(
                "apply", "--layout", "layout.yaml", "--yes", "--accept", "BINDS_BY_NAME", "--accept",
                "SHIM_INSUFFICIENT", "--accept", "HAS_UNTRACKABLE_DEPENDENCIES")
            let before = try await place.content()
            #expect(before.count == 13)
            try await shop.database.execute(
                try String(contentsOf: Self.folder.appending(path: "projections/prepare.sql"), encoding: .utf8))
            try await place.run("events", "init")
            try await place.run("events", "organization", "add", "HausPet")
            try await place.run("events", "stream", "add", "animals")
            try await body(place, before)
        }
    }

    @Test(
        "S0.6 S0.11 S0.12 S0.19 11 animals, 2 sponsorships and the totals come from the 15 events, and again by a rebuild"
    )
    func walk() async throws {
        try await with { place, before in
            #expect(try await place.content() == [])
            #expect(
                try await place.run("events", "append", "animals", "events.ndjson").output
                    == "Appended: animals 1 to 15\n")
            let done = try await place.run("project", "--layout", "layout.yaml", "--once")
            #expect(done.output == "hauspet: position 15 of 15, 15 events done\n")
            #expect(try await place.content() == before)
            try await expectTotals(place)
            let rebuilt = try await place.run("project", "rebuild", "hauspet", "--layout", "layout.yaml")
            #expect(rebuilt.output.contains("11       11  equal") && rebuilt.output.contains("2        2  equal"))
            #expect(try await place.content() == before)
            try await expectTotals(place)
            // What the layout says is still so, by the old names too.
            let plan = try await place.run("plan", "--layout", "layout.yaml", "--detailed-exit-code")
            #expect(plan.code == 0, "\(plan.output)")
            #expect(
                try await place.shop.column(
                    "SELECT count(*)::text FROM public.animals JOIN public.sponsorships s ON s.animal_id = animals.id")
                    == ["2"])
            try await place.run("project", "drop-old", "hauspet", "--layout", "layout.yaml")
        }
    }

    private func expectTotals(_ place: Place) async throws {
        let totals = try await place.shop.column(
            """
            SELECT (SELECT count(*) FROM readmodels.animals) || ' ' || (SELECT count(*) FROM readmodels.sponsorships) || ' '
                || (SELECT sum(amount_monthly) FROM readmodels.sponsorships) || ' '
                || (SELECT sum(sponsor_count) FROM readmodels.animals) || ' ' || (SELECT sum(animals) || ' ' || sum(sponsors) FROM public.breed_popularity)
            """)
        #expect(totals == ["11 2 37.50 2 11 2"])
    }

    @Test("S0.23 Killed with -9 at random points, strata project ends with the same tables", .timeLimit(.minutes(5)))
    func killed() async throws {
        try await with { place, before in
            try await place.run("events", "append", "animals", "events.ndjson")
            // More of the same, so that there is something to be killed in.
            let lines = (0..<4_000).map { number in
                #"{"type": "AnimalCreated", "key": "more-\#(number)", "payload": {"name": "M\#(number)", "type": "DOG", "by": 1}, "metadata": {"occurred_at": "2025-03-01T00:00:00"}}"#
            }
            try Data(lines.joined(separator: "\n").utf8).write(to: place.shop.folder.appending(path: "more.ndjson"))
            try await place.run("events", "append", "animals", "more.ndjson")
            try await KilledAtRandom(step: 150) {
                try place.shop.program.start(["project", "--layout", "layout.yaml", "--once"], timeout: 120)
            }.run(
                "killed projections", usual: 15,
                mayEnd: { result in
                    // The server may still hold what the one before had.
                    #expect(result.code == 0 || result.code == 5, "\(result)")
                    return result.code != 5
                })
            let content = try await place.content().filter { !$0.contains("more-") }
            #expect(content == before)
            #expect(
                try await place.shop.column("SELECT count(*) || ' ' || sum(sponsor_count) FROM readmodels.animals") == [
                    "4011 2"
                ])
        }
    }

    @Test(
        "Killed with -9 at random points, strata project rebuild ends with the same tables, and the live ones are whole at each moment",
        .timeLimit(.minutes(5)), arguments: [false, true])
    func killedRebuild(_ dropsOld: Bool) async throws {
        try await with { place, before in
            try await place.run("events", "append", "animals", "events.ndjson")
            let lines = (0..<3_000).map { number in
                #"{"type": "AnimalCreated", "key": "more-\#(number)", "payload": {"name": "M\#(number)", "type": "DOG", "by": 1}, "metadata": {"occurred_at": "2025-03-01T00:00:00"}}"#
            }
            try Data(lines.joined(separator: "\n").utf8).write(to: place.shop.folder.appending(path: "more.ndjson"))
            try await place.run("events", "append", "animals", "more.ndjson")
            try await place.run("project", "--layout", "layout.yaml", "--once")
            let expected = try await place.content()
            // As an application reads, all the while: by the old names, both tables and what is built on them.
            let looking = Task {
                let connection = try await place.shop.database.connect()
                var looks = 0
                while !Task.isCancelled {
                    let found = try await connection.query(
                        """
                        SELECT (SELECT count(*) FROM public.animals) || ' ' || (SELECT count(*) FROM public.sponsorships) || ' '
                            || (SELECT sum(animals) || ' ' || sum(sponsors) FROM public.breed_popularity) AS text
                        """
                    ).only().string("text")
                    #expect(found == "3011 2 11 2")
                    looks += 1
                }
                await connection.close()
                return looks
            }
            let words = ["project", "rebuild", "hauspet", "--layout", "layout.yaml"] + (dropsOld ? ["--drop-old"] : [])
            try await KilledAtRandom {
                try place.shop.program.start(words, timeout: 120)
            }.run(
                "killed rebuilds", usual: 18,
                afterKill: { () async throws in #expect(try await place.content() == expected) },
                mayEnd: { result in
                    // The server may still hold what the one before had.
                    if result.code == 5 || result.errors.contains("another process") { return false }
                    // Killed behind the exchange: what was replaced is kept, as it is without a kill.
                    #expect(result.code == 0 || (!dropsOld && result.errors.contains("still kept")), "\(result)")
                    return true
                })
            looking.cancel()
            #expect(try await looking.value > 0)
            #expect(try await place.content() == expected)
            #expect(try await place.content().filter { !$0.contains("more-") } == before)
            let schemas = try await place.shop.column(
                "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'strata\\_%' ORDER BY 1")
            #expect(schemas == (dropsOld ? [] : ["strata_old_hauspet"]))
            if !dropsOld { #expect(try await place.content("strata_old_hauspet") == expected) }
            // And what is live goes on, and can be built once more.
            if !dropsOld { try await place.run("project", "drop-old", "hauspet", "--layout", "layout.yaml") }
            try await place.run("project", "rebuild", "hauspet", "--layout", "layout.yaml", "--drop-old")
            #expect(try await place.content() == expected)
        }
    }
}
