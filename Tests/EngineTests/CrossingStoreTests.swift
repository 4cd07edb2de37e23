import Planning
import PostgresDriver
import TestSupport
import Testing

@testable import Engine

@Suite("Split: counts of crossings, written down")
struct CrossingStoreTests {
    private func observer(_ id: String, since: Int = 1_000) -> CrossingRecord.Observer {
        .init(id: id, name: "host", schemas: ["billing"], since: since, last: 0, dropped: 1)
    }

    private func crossing(_ fingerprint: String = "0123456789abcdef", count: Int = 1, at seen: Int = 5_000) -> Crossing
    {
        var crossing = Crossing(
            fingerprint, .transaction, example: "SELECT \"ä\\\" FROM t; DELETE FROM u", schemas: ["billing", "shop"],
            statements: [.init(fingerprint: "a"), .init(fingerprint: "b", writes: true)])
        (crossing.count, crossing.firstSeen, crossing.lastSeen) = (count, seen, seen + 10)
        crossing.application = "app \(seen)"
        return crossing
    }

    private func withStore(_ body: (CrossingStore, Connection) async throws -> Void) async throws {
        try await withTestDatabase("crossings") { database in
            let connection = try await database.connect()
            try await body(CrossingStore(connection), connection)
            await connection.close()
        }
    }

    @Test("Two proxies add to the same rows; a batch that comes again is not added again")
    func adding() async throws {
        try await withStore { store, _ in
            #expect(try await store.read().observers.isEmpty)
            try await store.prepare()
            try await store.prepare()
            try await store.add([crossing(count: 2)], by: observer("one"), batch: 1)
            try await store.add([crossing(count: 2)], by: observer("one"), batch: 1)
            try await store.add([crossing(count: 40, at: 3_000)], by: observer("two", since: 500), batch: 1)
            try await store.add([], by: observer("one"), batch: 2)
            var expected = crossing(count: 42, at: 3_000)
            (expected.lastSeen, expected.application) = (5_010, "app 5000")
            let record = try await store.read()
            #expect(record.crossings == [expected])
            #expect(Set(record.observers.map(\.id)) == ["one", "two"] && record.observers.map(\.dropped) == [1, 1])
            #expect(record.observers.allSatisfy { $0.last > 1_000_000_000 && $0.schemas == ["billing"] })
        }
    }

    @Test("Proxies that write at the same time make the tables once and lose nothing")
    func together() async throws {
        try await withTestDatabase("crossings") { database in
            let rows = (0..<50).map { crossing("0123456789abc\($0 + 100)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        let connection = try await database.connect()
                        let store = CrossingStore(connection)
                        try await store.prepare()
                        let mine = number.isMultiple(of: 2) ? rows : rows.reversed()
                        for batch in 1...5 { try await store.add(mine, by: observer("\(number)"), batch: batch) }
                        await connection.close()
                    }
                }
                try await group.waitForAll()
            }
            let connection = try await database.connect()
            let record = try await CrossingStore(connection).read()
            #expect(record.crossings.count == 50 && record.crossings.allSatisfy { $0.count == 20 })
            await connection.close()
        }
    }

    @Test("Too many rows and observers of long ago go, the rarest first")
    func tidying() async throws {
        try await withStore { store, connection in
            try await store.prepare()
            try await store.add([crossing(count: 9)], by: observer("one"), batch: 1)
            try await connection.execute(
                """
                INSERT INTO strata.crossings SELECT 'rare ' || g, kind, 1, first_seen, last_seen, example, schemas, application,
                    statements FROM strata.crossings, generate_series(1, \(CrossingStore.rowLimit)) g;
                INSERT INTO strata.observers SELECT 'old', name, schemas, since, now() - interval '91 days', 1, 0
                    FROM strata.observers
                """)
            try await store.tidy()
            let record = try await store.read()
            #expect(record.crossings.count == CrossingStore.rowLimit && record.crossings.first?.count == 9)
            #expect(record.observers.map(\.id) == ["one"])
        }
    }

    @Test("A reset forgets what touches the schemas, and says from when on it is counted")
    func resetting() async throws {
        try await withStore { store, _ in
            #expect(try await store.reset(["tax"]) == 0)
            var other = crossing("1111111111111111")
            other.schemas = ["shop", "stock"]
            try await store.add([crossing(), other], by: observer("one"), batch: 1)
            #expect(try await store.reset(["billing"]) == 1)
            let record = try await store.read()
            #expect(record.crossings.map(\.fingerprint) == ["1111111111111111"])
            #expect(
                record.resets.keys.sorted() == ["billing", "tax"] && (record.resets["billing"] ?? 0) > 1_000_000_000)
            // Seen before it, and written down behind it.
            try await store.add(
                [crossing(), crossing("2222222222222222", at: record.now + 60)], by: observer("one"), batch: 2)
            #expect(
                Set(try await store.read().crossings.map(\.fingerprint)) == ["1111111111111111", "2222222222222222"])
        }
    }

    @Test(
        "What was accepted is kept with who and when; fewer and shorter ones are written down, longer ones only on accepting"
    )
    func exemptions() async throws {
        func exemption(_ fingerprint: String, _ until: String) throws -> Exemption {
            Exemption(
                fingerprint: fingerprint, reason: "r", until: try #require(CalendarDate(until)),
                place: SourcePlace(file: "f", line: 1, column: 1))
        }
        func dates(_ store: CrossingStore) async throws -> [String] {
            try await store.read().accepted.map { "\($0.fingerprint) \($0.until) \($0.by)" }
        }
        try await withStore { store, _ in
            let (first, second) = (ActorIdentity(actor: "a", host: "h"), ActorIdentity(actor: "b", host: "h"))
            try await store.accept([exemption("x", "2027-01-01"), exemption("y", "2027-01-01")], by: first)
            #expect(try await dates(store) == ["x 2027-01-01 a@h", "y 2027-01-01 a@h"])
            try await store.shrink(to: [exemption("x", "2027-02-01"), exemption("z", "2027-02-01")])
            #expect(try await dates(store) == ["x 2027-01-01 a@h"])
            try await store.shrink(to: [exemption("x", "2026-12-01")])
            #expect(try await dates(store) == ["x 2026-12-01 a@h"])
            try await store.accept([exemption("x", "2027-03-01")], by: second)
            #expect(try await dates(store) == ["x 2027-03-01 b@h"])
            try await store.accept([exemption("x", "2027-02-01")], by: first)
            #expect(try await dates(store) == ["x 2027-02-01 b@h"])
        }
    }

    @Test("A role that may not make the tables uses those that are there")
    func rights() async throws {
        try await withStore { store, connection in
            try await store.prepare()
            let role = "strata_observer_\(UInt32.random(in: 0...UInt32.max))"
            try await connection.execute(
                """
                CREATE ROLE \(role); GRANT USAGE ON SCHEMA strata TO \(role);
                GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA strata TO \(role); SET ROLE \(role)
                """)
            try await store.prepare()
            try await store.add([crossing()], by: observer("one"), batch: 1)
            #expect(try await store.read().crossings.count == 1)
            try await connection.execute("RESET ROLE; DROP TABLE strata.crossings; SET ROLE \(role)")
            await #expect(throws: PostgresError.self) { try await store.prepare() }
            try await connection.execute("RESET ROLE; DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }
}
