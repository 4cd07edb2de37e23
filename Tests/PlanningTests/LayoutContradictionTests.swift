import Testing

@testable import Planning

@Suite("Layout: contradictions and warnings")
struct LayoutContradictionTests {
    private static let minimal = "strata: 1\ndatabases:\n  main:\n    wal_level: minimal\n"

    static let errors: [LayoutComplaint] = [
        .init(
            "S0.28 S0.32 minimal WAL and continuous backup",
            minimal + "schemas: { e: {} }\nbackup: { e: { continuous: true, rpo: 5m } }",
            "minimal-with-continuous-backup",
            6, 28, "archiving", "streaming", "point in time", "wal_level: replica", "restart"),
        .init(
            "S0.32 minimal WAL and replicas",
            "strata: 1\ndatabases:\n  main:\n    wal_level: minimal\n    replicas: [{ name: r, url: host=x }]",
            "minimal-with-replicas", 5, 15, "wal_level: replica"),
        .init(
            "S0.9 rpo without a continuous backup", "strata: 1\nschemas: { e: {} }\nbackup: { e: { rpo: 5m } }",
            "rpo-without-continuous", 3, 21, "continuous: true"),
        .init(
            "keep shorter than rpo",
            "strata: 1\nschemas: { e: {} }\nbackup: { e: { continuous: true, rpo: 2d, keep: 1d } }",
            "keep-shorter-than-rpo", 3, 49),
        .init(
            "S0.3 append-only with retention",
            "strata: 1\nschemas: { e: { tables: [t], append_only: [t] } }\nretention: [{ table: e.t, older_than: 1d }]",
            "append-only-with-retention", 3, 22, "never be deleted", "line 2"),
        .init(
            "S1.37 retention periods in another database",
            """
            strata: 1
            databases: { main: {}, second: { url: host=x } }
            schemas: { users: { tables: [consents] }, active: { database: second, tables: [visits] } }
            retention: [{ table: active.visits, older_than: 30d, per_subject: users.consents.days }]
            """,
            "retention-across-databases", 4, 67, "database second", "database main", "join"),
        .init(
            "per_subject without a column",
            "strata: 1\nschemas: { e: { tables: [t] } }\nretention: [{ table: e.t, older_than: 1d, per_subject: e.t }]",
            "bad-reference", 3, 56, "schema.table.column"),
        .init(
            "retention of an unlisted table",
            "strata: 1\nschemas: { e: { tables: [visits] } }\nretention: [{ table: e.visit, older_than: 1d }]",
            "unlisted-table", 3, 22, "e.visits"),
        .init(
            "two rules for one table",
            "strata: 1\nschemas: { e: { tables: [t] } }\nretention: [{ table: e.t, older_than: 1d }, { table: t, older_than: 2d }]",
            "duplicate-entry", 3, 45),
        .init(
            "retention without an age", "strata: 1\nschemas: { e: { tables: [t] } }\nretention: [{ table: e.t }]",
            "missing-key", 3, 13, "older_than"),
        .init(
            "recorded in itself",
            "strata: 1\nschemas: { e: { tables: [t] } }\nretention: [{ table: e.t, older_than: 1d, record_in: e.t }]",
            "record-in-itself", 3, 54),
    ]

    static let warnings: [LayoutComplaint] = [
        .init(
            "role for an unlisted schema", "strata: 1\nschemas: { users: {} }\nroles: { r: { read: [user, public] } }",
            "unlisted-schema", 3, 22, "did you mean users?"),
        .init(
            "role reads what it writes", "strata: 1\nschemas: { a: {} }\nroles: { r: { read: [a], write: [a] } }",
            "redundant-read", 3, 22),
        .init(
            "S0.11 rebuildable and continuously saved",
            "strata: 1\nschemas: { a: { rebuildable: true } }\nbackup: { a: { continuous: true } }",
            "rebuildable-with-backup", 3, 28),
        .init(
            "trust on the network", "strata: 1\nrouting: { listen: \"0.0.0.0:6432\", auth: { type: trust } }",
            "trust-on-network", 2, 42),
        .init(
            "index on a table of an unlisted schema", "strata: 1\nindexes: [{ table: other.t, columns: [c] }]",
            "unlisted-schema", 2, 20),
        .init(
            "S0.7 variable of a second database is not set",
            "strata: 1\ndatabases: { main: {}, archive: { url: \"${ARCHIVE_URL}\" } }", "unset-url", 2, 40,
            "ARCHIVE_URL is not set", "export ARCHIVE_URL"),
        .init(
            "S2.9 variable of a replica is not set",
            "strata: 1\ndatabases: { main: { replicas: [{ name: r1, url: \"${RO}\" }] } }", "unset-url", 2, 50, "RO"),
    ]

    @Test("contradictions are errors", arguments: errors)
    func checksErrors(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("doubtful things are warnings", arguments: warnings)
    func checksWarnings(_ complaint: LayoutComplaint) { complaint.check(.warning) }

    @Test("S0.32 minimal WAL is fine where no backup and no replica needs more")
    func minimalAlone() throws {
        let text = Self.minimal + "schemas: { e: {} }\nbackup: { e: { keep: 30d } }"
        #expect(try layout(text).databases[0].walLevel == "minimal")
    }

    @Test("S0.28 the other database of a split keeps its own WAL level")
    func otherDatabase() throws {
        let text =
            "strata: 1\ndatabases: { main: { wal_level: minimal }, b: { url: host=x, wal_level: replica } }\n"
            + "schemas: { e: { database: b } }\nbackup: { e: { continuous: true } }"
        #expect(try layout(text).backup[0].value.continuous)
    }
}
