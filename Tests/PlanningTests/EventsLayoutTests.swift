import Testing

@testable import Planning

@Suite("Layout: events")
struct EventsLayoutTests {
    private static let base = "strata: 1\ndatabases: { main: {}, archive: { url: host=x } }\n"

    @Test("Every key, and what is left out")
    func decodes() throws {
        let full = try #require(
            try layout(Self.base + "events: { schema: store, database: archive, every: day, ahead: 14 }").events)
        #expect(full.schema == "store" && full.database == "archive" && full.every == .day && full.ahead == 14)
        #expect(full.place.line == 3)
        for text in ["events:", "events: {}"] {
            let short = try #require(try layout(Self.base + text).events)
            #expect(short.schema == "events" && short.database == nil && short.every == .month && short.ahead == 3)
        }
        #expect(try layout(Self.base).events == nil)
    }

    @Test("It is here unless it lives on another database")
    func here() throws {
        #expect(try layout(Self.base + "events:").eventStoreHere == "events")
        #expect(try layout(Self.base + "events: { database: main, schema: s }").eventStoreHere == "s")
        #expect(try layout(Self.base + "events: { database: archive }").eventStoreHere == nil)
        #expect(try layout(Self.base).eventStoreHere == nil)
    }

    @Test("It is part of what is planned, but for how many partitions are made ahead")
    func fingerprint() throws {
        func fingerprint(_ rest: String) throws -> String { try layout(Self.base + rest).fingerprint }
        let plain = try fingerprint("events:")
        #expect(try fingerprint("events: { database: main, ahead: 9, schema: events, every: month }") == plain)
        for other in ["", "events: { every: day }", "events: { schema: s }", "events: { database: archive }"] {
            #expect(try fingerprint(other) != plain, "\(other)")
        }
    }

    @Test("Other sections may name its schema; projections read from it")
    func others() throws {
        let text = """
            strata: 1
            schemas: { readmodels: { tables: [animals] } }
            projections:
              a: { stream: s, schema: readmodels, tables: [animals], statements: { x: x.sql } }
              b: { stream: s, schema: public, store: third, tables: [b], statements: { x: x.sql } }
            thresholds: { my_events: { rows_per_day: 10 } }
            backup: { my_events: { rpo: 5m, continuous: true } }
            events: { schema: my_events }
            """
        #expect(try layout(text).projections.map(\.store) == ["my_events", "third"])
    }

    private static func complaint(
        _ name: String, _ entry: String, _ code: String, _ column: Int, _ says: String...
    ) -> LayoutComplaint {
        var complaint = LayoutComplaint(name, base + "events: \(entry)\n", code, 3, column)
        complaint.says = says
        return complaint
    }

    @Test(
        "What is wrong with it",
        arguments: [
            complaint("an unknown key", "{ schemas: x }", "unknown-key", 11, "did you mean `schema`?"),
            complaint("a list", "[events]", "wrong-type", 9, "found a list"),
            complaint("a name", "events", "wrong-type", 9, "found a text"),
            complaint("an unknown database", "{ database: archiv }", "unknown-database", 21, "did you mean archive?"),
            complaint("a number as schema", "{ schema: 5 }", "wrong-type", 19, "the name of a schema"),
            complaint("the system's schema", "{ schema: pg_events }", "reserved-name", 19),
            complaint("the ledger's schema", "{ schema: strata }", "reserved-name", 19),
            complaint("public", "{ schema: public }", "reserved-name", 19, "a schema of its own"),
            complaint("a dollar", "{ schema: \"a$b\" }", "reserved-name", 19, "no $"),
            complaint("an unknown width", "{ every: week }", "unknown-choice", 18, "day or month"),
            complaint("no partition ahead", "{ ahead: 0 }", "out-of-bounds", 18, "1 to 400"),
            complaint("too many ahead", "{ ahead: 401 }", "out-of-bounds", 18),
            complaint("a text as number", "{ ahead: \"3\" }", "wrong-type", 18, "a whole number"),
        ])
    func complaints(complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("Its schema listed for something else")
    func listed() {
        LayoutComplaint(
            "with tables", "strata: 1\nschemas:\n  events: { tables: [orders] }\nevents:\n", "event-store-listed", 4, 8,
            "line 3, column 3", "events: { schema: event_store }"
        ).check(.error)
        LayoutComplaint(
            "named", "strata: 1\nschemas: { log: {} }\nevents: { schema: log }\n", "event-store-listed", 3, 19,
            "the schema log is the event store's"
        ).check(.error)
        LayoutComplaint(
            "for foreign tables",
            """
            strata: 1
            databases: { main: {}, archive: { url: host=x } }
            schemas: { audit: { database: archive, tables: [t] } }
            events:
            foreign_tables: [{ schema: events, of: audit }]
            """, "foreign-schema-listed", 5, 18, "far_audit"
        ).check(.error)
    }
}
