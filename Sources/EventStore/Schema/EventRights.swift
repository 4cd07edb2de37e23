import SQLSyntax

/// Who may do what, and row security by organisation.
struct EventRights {
    private let s: String
    private let account: String

    init(_ store: EventSchema) { (s, account) = (store.schema, store.account) }

    /// Tables with `org_id`; `organizations` is one row of its own each.
    private static let owned = [
        "users": "SELECT, INSERT, UPDATE", "login_sessions": "SELECT, INSERT, UPDATE",
        "api_keys": "SELECT, INSERT, UPDATE", "event_streams": "SELECT, INSERT, UPDATE",
        "stream_schemas": "SELECT, INSERT", "stream_partitions": "SELECT, INSERT",
        "append_keys": "SELECT, INSERT", "events": "SELECT, INSERT",
        "consumer_groups": "SELECT, INSERT, UPDATE", "consumer_offsets": "SELECT, INSERT, UPDATE",
        "group_slots": "SELECT, INSERT, UPDATE", "group_members": "SELECT, INSERT, UPDATE, DELETE",
        "dead_letter_events": "SELECT, INSERT, UPDATE",
    ]

    var statements: [String] {
        var statements = [
            "REVOKE ALL ON SCHEMA \(s) FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION \(s).new_id(timestamp), \(s).time_of(uuid), \(s).now() TO \(account)",
            "GRANT SELECT ON \(s).organizations TO \(account)",
            policy("organizations", "id"),
        ]
        for (table, rights) in Self.owned.sorted(by: { $0.key < $1.key }) {
            statements.append("GRANT \(rights) ON \(s).\(table) TO \(account)")
            statements.append(policy(table, "org_id"))
        }
        return statements
    }

    /// The setting is read once for each query, not for each row.
    func policy(_ table: String, _ column: String) -> String {
        let own = "\(column) = (SELECT nullif(pg_catalog.current_setting('events.org_id', true), '')::uuid)"
        return """
            DO $$ BEGIN
                IF NOT (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = \(SQL.literal("\(s).\(table)"))::regclass) THEN
                    ALTER TABLE \(s).\(table) ENABLE ROW LEVEL SECURITY;
                    CREATE POLICY organization ON \(s).\(table) TO \(account) USING (\(own)) WITH CHECK (\(own));
                END IF;
            END $$
            """
    }
}
