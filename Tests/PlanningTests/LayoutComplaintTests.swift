import Testing

@testable import Planning

@Suite("Layout: errors with place and next step")
struct LayoutComplaintTests {
    static let head = "strata: 1\nschemas:\n"

    static let keysAndTypes: [LayoutComplaint] = [
        .init(
            "unknown key", "strata: 1\nschema: {}", "unknown-key", 2, 1, "no key \"schema\"", "did you mean `schemas`?"),
        .init("unknown key of a schema", head + "  a: { tabels: [t] }", "unknown-key", 3, 8, "did you mean `tables`?"),
        .init(
            "unknown key, none near", head + "  a: { colour: red }", "unknown-key", 3, 8,
            "has the keys database, tables"),
        .init(
            "unknown key of an entry", head + "  a: { tables: [{ table: t, form: x }] }", "unknown-key", 3, 29, "`from`"
        ),
        .init(
            "number for a list", head + "  a: { tables: 5 }", "wrong-type", 3, 16,
            "expected a list of names, found a number"),
        .init("text for a list", head + "  a: { tables: t }", "wrong-type", 3, 16, "found a text", "[a, b]"),
        .init("list for a schema", head + "  a: [t]", "wrong-type", 3, 6, "expected keys with values", "found a list"),
        .init("number as a name", head + "  a: { tables: [7] }", "wrong-type", 3, 17, "found a number", "\"7\""),
        .init("true as a name", head + "  a: { tables: [true] }", "wrong-type", 3, 17, "found true", "quotes"),
        .init("nothing as a name", head + "  a: { tables: [~] }", "wrong-type", 3, 17, "found nothing"),
        .init("list in a list", head + "  a: { tables: [[t]] }", "wrong-type", 3, 17, "found a list"),
        .init(
            "text for a flag", head + "  a: { rebuildable: yes }", "wrong-type", 3, 21, "true or false", "found a text"),
        .init("root is a list", "- strata: 1", "wrong-type", 1, 1, "the layout: expected keys with values"),
        .init("entry without its name", head + "  a: { tables: [{ from: x }] }", "missing-key", 3, 17, "needs `table`"),
        .init("nothing at all", "", "missing-version", 1, 1, "strata: 1"),
        .init("comments only", "# hello\n", "missing-version", 1, 1, "strata: 1"),
        .init("no version", "schemas: {}", "missing-version", 1, 1, "strata: 1"),
        .init("version 2", "strata: 2", "unsupported-version", 1, 9, "\"2\"", "newer release"),
        .init("unknown choice", "strata: 1\ncompatibility: view", "unknown-choice", 2, 16, "did you mean `views`?"),
        .init(
            "wal level", "strata: 1\ndatabases: { m: { wal_level: full } }", "unknown-choice", 2, 30,
            "minimal, replica or logical"),
        .init("YAML tag", "strata: 1\nschemas: !!map2 {}", "yaml-tag", 2, 10),
    ]

    static let names: [LayoutComplaint] = [
        .init("pg_", head + "  pg_x: {}", "reserved-name", 3, 3, "pg_"),
        .init("information_schema", head + "  information_schema: {}", "reserved-name", 3, 3),
        .init("strata", head + "  strata: {}", "reserved-name", 3, 3, "ledger"),
        .init(
            "from a reserved schema", head + "  a: { tables: [{ table: t, from: pg_catalog }] }", "reserved-name", 3, 35
        ),
        .init("role public", "strata: 1\nroles: { public: {} }", "reserved-name", 2, 10, "every role"),
        .init(
            "64 bytes", head + "  a: { tables: [" + String(repeating: "ö", count: 32) + "] }", "name-too-long", 3, 17,
            "64 bytes, PostgreSQL keeps 63"),
        .init("empty name", head + "  a: { tables: [\"\"] }", "empty-name", 3, 17),
        .init("blank schema", head + "  \" \": {}", "empty-name", 3, 3),
        .init("dot in a table", head + "  a: { tables: [b.t] }", "dotted-name", 3, 17, "{ table: t, from: b }"),
        .init(
            "dot in a function", head + "  a: { functions: [b.f] }", "dotted-name", 3, 20, "{ function: f, from: b }"),
        .init("dot in a schema", head + "  a.b: {}", "dotted-name", 3, 3),
        .init(
            "SQL quotes", head + "  a: { tables: ['\"Project\"'] }", "quoted-name", 3, 17,
            "drop the inner quotes: Project"),
        .init("control character", head + "  a: { tables: [\"a\\x00b\"] }", "bad-name", 3, 17),
        .init("open argument list", head + "  a: { functions: [\"f(int\"] }", "bad-function", 3, 20),
    ]

    static let lists: [LayoutComplaint] = [
        .init(
            "table twice in a list", head + "  a: { tables: [t, u, t] }", "duplicate-entry", 3, 23, "line 3, column 17"),
        .init("overload twice", head + "  a: { functions: [f, \"f(int)\"] }", "duplicate-entry", 3, 23),
        .init("append-only twice", head + "  a: { tables: [t], append_only: [t, t] }", "duplicate-entry", 3, 38),
        .init(
            "table in two schemas", head + "  a: { tables: [t] }\n  b: { tables: [t] }", "listed-twice", 4, 17,
            "schema b and by schema a (line 3, column 17)", "from"),
        .init(
            "same source twice",
            head + "  a: { tables: [{ table: t, from: x }] }\n  b: { tables: [{ table: t, from: x }] }",
            "listed-twice", 4, 26, "only move to one schema"),
        .init(
            "overload in two schemas", head + "  a: { functions: [f] }\n  b: { functions: [f(int)] }", "listed-twice",
            4, 20),
        .init(
            "table and view", head + "  a: { tables: [t], views: [t] }", "name-collision", 3, 29, "view t and table t"),
        .init(
            "append-only unlisted", head + "  a: { tables: [events], append_only: [event] }", "append-only-unlisted", 3,
            40, "did you mean events?"),
        .init(
            "partition unlisted", head + "  a: { partitions: { v: { by: x, every: day } } }", "partition-unlisted", 3,
            22),
        .init(
            "partition without column", head + "  a: { tables: [v], partitions: { v: { every: day } } }", "missing-key",
            3, 35, "`by`"),
        .init(
            "partitions ahead", head + "  a: { tables: [v], partitions: { v: { by: x, every: day, ahead: 1001 } } }",
            "out-of-bounds", 3, 66, "1 to 1000"),
        .init("ignored and listed", head + "  a: { tables: [t], ignore: [t] }", "ignored-and-listed", 3, 30),
        .init("unknown database", head + "  a: { database: mian }", "unknown-database", 3, 18, "did you mean main?"),
    ]

    static let indexes: [LayoutComplaint] = [
        .init("index on nothing", index("{ columns: [a] }"), "missing-key", 4, 3, "table"),
        .init(
            "unlisted table", index("{ table: a.visit, columns: [c] }"), "unlisted-table", 4, 12,
            "did you mean a.visits?"),
        .init(
            "table of the other schema", index("{ table: a.rooms, columns: [c] }"), "unlisted-table", 4, 12, "b.rooms"),
        .init("plain and unlisted", index("{ table: nothing, columns: [c] }"), "unlisted-table", 4, 12),
        .init(
            "plain in two schemas", index("{ table: groups, columns: [c] }"), "ambiguous-table", 4, 12,
            "a.groups or b.groups"),
        .init("three parts", index("{ table: x.a.visits, columns: [c] }"), "bad-reference", 4, 12, "schema.table"),
        .init("expression", index("{ table: visits, columns: [lower(x)] }"), "bad-column", 4, 30),
        .init("odd direction", index("{ table: visits, columns: [x down] }"), "bad-column", 4, 30, "desc"),
        .init("column twice", index("{ table: visits, columns: [x, x desc] }"), "duplicate-entry", 4, 33),
        .init("no columns", index("{ table: visits, columns: [] }"), "empty-list", 4, 29),
        .init(
            "unknown method", index("{ table: visits, columns: [x], method: btre }"), "unknown-choice", 4, 42, "btree"),
        .init(
            "unique gin", index("{ table: visits, columns: [x], method: gin, unique: true }"), "method-cannot", 4, 55),
        .init("descending hash", index("{ table: visits, columns: [x desc], method: hash }"), "method-cannot", 4, 29),
        .init("include a key", index("{ table: visits, columns: [x], include: [x] }"), "duplicate-entry", 4, 43),
        .init(
            "twice the same", index("{ table: visits, columns: [x] }\n- { table: a.visits, columns: [x] }"),
            "duplicate-entry", 5, 3),
        .init("empty predicate", index("{ table: visits, columns: [x], where: \" \" }"), "empty-value", 4, 41),
    ]

    private static func index(_ text: String) -> String {
        "strata: 1\nschemas: { a: { tables: [visits, { table: groups, from: x }] }, b: { tables: [groups, rooms] } }\n"
            + "indexes:\n- " + text
    }

    static let settings: [LayoutComplaint] = [
        .init(
            "S2.10 pool larger than its clients", pool("size: 25, reserve: 5, max_clients: 20"),
            "pool-larger-than-clients", 2, 33, "30 server connections", "at most 20"),
        .init("pool of none", pool("size: 0"), "out-of-bounds", 2, 33, "1 to 10000"),
        .init("pool too large", pool("size: 10001"), "out-of-bounds", 2, 33),
        .init("pool in words", pool("size: many"), "wrong-type", 2, 33, "whole number"),
        .init("pool in quotes", pool("size: \"20\""), "wrong-type", 2, 33, "found a text"),
        .init("pool mode", pool("mode: transactions"), "unknown-choice", 2, 33, "`transaction`"),
        .init("no unit", pool("idle_timeout: 30"), "bad-duration", 2, 41, "without a unit", "30s"),
        .init("odd unit", pool("idle_timeout: 3 fortnights"), "bad-duration", 2, 41),
        .init("connect timeout", pool("connect_timeout: 1h"), "out-of-bounds", 2, 44, "100ms to 10m"),
        .init(
            "replica without a name", "strata: 1\ndatabases: { m: { replicas: [{ url: host=x }] } }", "missing-key", 2,
            30, "name"),
        .init(
            "second database without url", "strata: 1\ndatabases: { m: {}, n: {} }", "missing-key", 2, 21, "${N_URL}"),
        .init("no port", "strata: 1\nrouting: { listen: localhost }", "bad-address", 2, 20, "127.0.0.1:6432"),
        .init("port too high", "strata: 1\nrouting: { listen: \"localhost:70000\" }", "bad-address", 2, 20),
        .init("freshness", "strata: 1\nrouting: { freshness: tables }", "unknown-choice", 2, 23, "`table`"),
        .init("freshness as a list", "strata: 1\nrouting: { freshness: [table] }", "wrong-type", 2, 23),
        .init("scram without users", "strata: 1\nrouting: { auth: { type: scram } }", "auth-without-users", 2, 18),
        .init(
            "S4.2 replica route without replica", "strata: 1\nrouting: { routes: [{ tag: { a: b }, to: replica }] }",
            "no-replica", 2, 42, "has none"),
        .init("route for everything", "strata: 1\nrouting: { routes: [{ to: primary }] }", "empty-route", 2, 21),
        .init(
            "route without target", "strata: 1\nrouting: { routes: [{ tag: { a: b } }] }", "missing-key", 2, 21, "`to`"),
        .init(
            "backup of a typing error", head + "  events: {}\nbackup: { event: {} }", "unlisted-schema", 4, 11,
            "did you mean events?"),
        .init("threshold of nothing", "strata: 1\nthresholds: { x: { rows: 1 } }", "unlisted-schema", 2, 15),
        .init("cpu over 100", head + "  a: {}\nthresholds: { a: { cpu_percent: 101 } }", "out-of-bounds", 4, 33),
    ]

    private static func pool(_ text: String) -> String { "strata: 1\ndatabases: { m: { pool: { \(text) } } }" }

    @Test("keys and types", arguments: keysAndTypes)
    func checksKeysAndTypes(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("names", arguments: names)
    func checksNames(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("lists and placement", arguments: lists)
    func checksLists(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("indexes", arguments: indexes)
    func checksIndexes(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("settings", arguments: settings)
    func checksSettings(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("all complaints come at once, in the order of the file, and at most 200 of them")
    func everything() {
        let (none, diagnostics) = decode("strata: 3\nrols: {}\nschemas:\n  pg_a: {}\n  b: { tables: [1, 2.5, x.y] }")
        #expect(none == nil)
        #expect(
            diagnostics.map(\.code) == [
                "unsupported-version", "unknown-key", "reserved-name", "wrong-type", "wrong-type", "dotted-name",
            ])
        #expect(diagnostics.compactMap { $0.place?.line } == [1, 2, 4, 5, 5, 5])
        let many = decode("strata: 1\nschemas:\n  a:\n    tables:\n" + String(repeating: "    - 1\n", count: 1000))
            .diagnostics
        #expect(many.count == 201 && many.last?.code == "more-complaints" && many.last?.severity == .error)
        #expect(many.last?.message.contains("800") == true)
    }
}
