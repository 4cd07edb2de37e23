import SQLSyntax

/// Partitions by day or month, made ahead; none is a default one, for that would have to be read whenever one is added.
struct EventPartitions {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    /// With the rights of the owner, for only that may make partitions. The number of those made ahead is bounded: whoever may
    /// append may have the next ones made, not a thousand.
    ///
    /// Made beside the table and then attached: CREATE TABLE … PARTITION OF would stop who reads.
    var functions: [String] {
        let (s, name) = (store.schema, SQL.literal(store.name))
        let form = store.every == .day ? "YYYY_MM_DD" : "YYYY_MM"
        return [
            """
            CREATE OR REPLACE FUNCTION \(s).make_partitions(ahead integer) RETURNS integer
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
            DECLARE
                place constant text := \(name);
                step constant interval := interval '1 \(store.every.rawValue)';
                today constant timestamp := date_trunc('\(store.every.rawValue)', clock_timestamp() AT TIME ZONE 'UTC');
                start timestamp;
                partition text;
                made integer := 0;
            BEGIN
                IF ahead IS NULL OR ahead NOT BETWEEN 0 AND 400 THEN
                    RAISE EXCEPTION 'partitions ahead: % is not between 0 and 400', ahead USING ERRCODE = 'invalid_parameter_value';
                END IF;
                FOR i IN 0..ahead LOOP
                    start := today + i * step;
                    partition := 'events_' || to_char(start, '\(form)');
                    CONTINUE WHEN to_regclass(format('%I.%I', place, partition)) IS NOT NULL;
                    -- One of them makes it, the others find it there.
                    PERFORM pg_advisory_xact_lock(hashtext('strata.events.partitions'), hashtext(place));
                    CONTINUE WHEN to_regclass(format('%I.%I', place, partition)) IS NOT NULL;
                    EXECUTE format('CREATE TABLE %I.%I (LIKE %I.events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', place, partition, place);
                    EXECUTE format('CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON %I.%I FOR EACH STATEMENT EXECUTE FUNCTION %I.refuse_change()', place, partition, place);
                    EXECUTE format('ALTER TABLE %I.events ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', place, place, partition, start, start + step);
                    made := made + 1;
                END LOOP;
                RETURN made;
            END
            $function$
            """
        ] + store.helper("make_partitions(integer)")
    }
}
