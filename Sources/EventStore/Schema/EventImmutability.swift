/// Events are neither changed nor deleted, not by their owner either: rights and triggers. Whole partitions go when their time
/// is over, and those alone.
struct EventImmutability {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var statements: [String] {
        let s = store.schema
        return [
            """
            CREATE OR REPLACE FUNCTION \(s).refuse_change() RETURNS trigger LANGUAGE plpgsql AS $function$
            BEGIN
                RAISE EXCEPTION 'events are immutable: % of % is refused', TG_OP, TG_TABLE_NAME
                    USING ERRCODE = 'object_not_in_prerequisite_state',
                        HINT = 'Append an event that corrects it. Old events go with their partition.';
            END
            $function$
            """,
            // DROP and CREATE, for CREATE OR REPLACE TRIGGER came with PostgreSQL 14.
            "DROP TRIGGER IF EXISTS events_immutable ON \(s).events",
            """
            CREATE TRIGGER events_immutable BEFORE UPDATE OR DELETE ON \(s).events
            FOR EACH ROW EXECUTE FUNCTION \(s).refuse_change()
            """,
            "DROP TRIGGER IF EXISTS events_not_truncated ON \(s).events",
            Self.againstTruncate("\(s).events", s),
        ]
    }

    /// That of the parent does not fire for a partition: each has its own.
    static func againstTruncate(_ table: String, _ schema: String) -> String {
        """
        CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON \(table)
        FOR EACH STATEMENT EXECUTE FUNCTION \(schema).refuse_change()
        """
    }
}
