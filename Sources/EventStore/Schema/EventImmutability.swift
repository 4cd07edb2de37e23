import SQLSyntax

/// Events are neither changed nor deleted, not by their owner either: rights and triggers. Whole partitions go when their time
/// is over, and those alone.
struct EventImmutability {
    /// What all triggers of the store run.
    static let function = "refuse_change"
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var statements: [String] {
        let s = store.schema
        return [
            """
            CREATE OR REPLACE FUNCTION \(s).\(Self.function)() RETURNS trigger LANGUAGE plpgsql AS $function$
            BEGIN
                RAISE EXCEPTION 'events are immutable: % of % is refused', TG_OP, TG_TABLE_NAME
                    USING ERRCODE = 'object_not_in_prerequisite_state',
                        HINT = 'Append an event that corrects it. Old events go with their partition.';
            END
            $function$
            """,
            // A trigger that is there is left alone: making it would stop who reads and writes.
            """
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = \(SQL.literal("\(s).events"))::regclass AND tgname = 'events_immutable') THEN
                    CREATE TRIGGER events_immutable BEFORE UPDATE OR DELETE ON \(s).events FOR EACH ROW EXECUTE FUNCTION \(s).refuse_change();
                    -- Does not fire for a partition: each has its own.
                    CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON \(s).events FOR EACH STATEMENT EXECUTE FUNCTION \(s).refuse_change();
                END IF;
            END $$
            """,
        ]
    }
}
