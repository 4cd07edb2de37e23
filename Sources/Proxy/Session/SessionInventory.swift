internal import SQLSyntax

/// What a server's session holds: its settings, and what would be lost with it. Asked for after a transaction that may
/// have changed something of it. Pure.
struct SessionInventory: Equatable {
    /// What is set beyond the startup parameters.
    var settings: [String: String] = [:]
    /// Why the session has to keep its server.
    var pins: Decision.Effects = []
    /// What SQL's PREPARE has made.
    var prepared: [Prepared] = []

    struct Prepared: Equatable {
        var name: String
        /// The whole text that PREPARE stood in.
        var text: String
        /// OIDs of the parameters' types.
        var types: [UInt32]
    }

    /// What can be asked for, and by which count.
    private static let countable: [(pin: Decision.Effects, mark: String, sql: String)] = [
        // Tables, and functions, types and operators in pg_temp as well: all depend on their schema.
        (
            .temporary, "t",
            """
            FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass \
            AND d.refobjid = pg_catalog.pg_my_temp_schema()
            """
        ),
        (.listen, "n", "FROM pg_catalog.pg_listening_channels()"),
        (.heldCursor, "c", "FROM pg_catalog.pg_cursors k WHERE k.is_holdable"),
        (
            .advisoryLock, "a",
            "FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.pid = pg_catalog.pg_backend_pid()"
        ),
        (.prepared, "p", "FROM pg_catalog.pg_prepared_statements s WHERE s.from_sql"),
    ]

    /// The pins that an inventory decides about; the others stay until the session is discarded.
    static let decided = Decision.Effects([.temporary, .listen, .heldCursor, .advisoryLock, .prepared])

    /// - Parameters:
    ///   - unlisted: settings that pg_settings leaves out: those with a dot that no extension has declared, `role`,
    ///     `session_authorization`.
    ///   - everything: what would keep the server is counted as well.
    static func sql(unlisted: [String], everything: Bool) -> String {
        var sql = """
            SELECT 's', s.name, s.setting FROM pg_catalog.pg_settings s WHERE s.source = 'session' \
            AND s.name NOT IN ('role', 'session_authorization', 'transaction_isolation', 'transaction_read_only', \
            'transaction_deferrable')
            """
        for name in unlisted {
            sql += " UNION ALL SELECT 'u', \(SQL.literal(name)), pg_catalog.current_setting(\(SQL.literal(name)), true)"
        }
        guard everything else { return sql }
        for entry in countable {
            sql += " UNION ALL SELECT '\(entry.mark)', '', pg_catalog.count(*)::pg_catalog.text \(entry.sql)"
        }
        return sql + " UNION ALL " + prepared
    }

    /// The types, and behind a line feed the text. Nothing where the texts are more than 1 MiB together: they come here
    /// whole, and each is all of the text that its PREPARE stood in.
    private static let prepared = """
        SELECT 'q', s.name, pg_catalog.array_to_string(s.parameter_types::pg_catalog.oid[], ',') \
        || pg_catalog.chr(10) || s.statement FROM pg_catalog.pg_prepared_statements s WHERE s.from_sql AND \
        (SELECT pg_catalog.sum(pg_catalog.octet_length(b.statement)) FROM pg_catalog.pg_prepared_statements b \
        WHERE b.from_sql) <= 1048576
        """

    init() {}

    /// - Parameter user: whom the session was opened as.
    init(_ rows: [[String?]], user: String) {
        for row in rows where row.count == 3 {
            guard let kind = row[0], let name = row[1], let value = row[2] else { continue }
            switch (kind, name) {
            case ("s", _): settings[name] = value
            case ("u", "role"): if value != "none" { settings[name] = value }
            case ("u", "session_authorization"): if value != user { settings[name] = value }
            // A placeholder that was never set, or reset, has no value or an empty one.
            case ("u", _): if !value.isEmpty { settings[name] = value }
            case ("q", _):
                let parts = value.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { continue }
                let types = parts[0].split(separator: ",").compactMap { UInt32($0) }
                prepared.append(Prepared(name: name, text: String(parts[1]), types: types))
            default:
                if value != "0", let entry = Self.countable.first(where: { $0.mark == kind }) { pins.insert(entry.pin) }
            }
        }
    }
}
