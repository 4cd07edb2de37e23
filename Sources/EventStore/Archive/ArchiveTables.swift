import SQLSyntax

/// How long events are kept, and what became of partitions whose time is over.
struct ArchiveTables {
    /// Tables with rows from the beginning.
    static let filled = ["store_identity"]
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var statements: [String] { tables + rights + detach }

    private var tables: [String] {
        let s = store.schema
        return [
            // What tells the files of one store from those of another; a copy of the database is the same store.
            """
            CREATE TABLE IF NOT EXISTS \(s).store_identity (
                place integer PRIMARY KEY DEFAULT 1 CHECK (place = 1),
                id uuid NOT NULL DEFAULT \(s).new_id(\(s).now())
            )
            """,
            "INSERT INTO \(s).store_identity DEFAULT VALUES ON CONFLICT DO NOTHING",
            // Of an organisation (without a stream), or of one of its streams.
            """
            CREATE TABLE IF NOT EXISTS \(s).retention (
                org_id uuid NOT NULL REFERENCES \(s).organizations,
                stream_id uuid REFERENCES \(s).event_streams,
                keep interval CHECK (keep >= interval '0'),
                updated_at timestamp NOT NULL DEFAULT \(s).now()
            )
            """,
            "COMMENT ON COLUMN \(s).retention.keep IS 'how long events are kept at least; null: for ever'",
            """
            DO $$ BEGIN
                IF to_regclass(\(SQL.literal("\(s).retention_place_idx"))) IS NULL THEN
                    CREATE UNIQUE INDEX retention_place_idx ON \(s).retention (org_id, coalesce(stream_id, org_id));
                END IF;
            END $$
            """,
            // `name` is that of the table once it is no partition any more. `detached`: the next call goes on with it.
            """
            CREATE TABLE IF NOT EXISTS \(s).archived_partitions (
                name varchar PRIMARY KEY,
                partition varchar NOT NULL,
                starts_at timestamp NOT NULL,
                ends_at timestamp NOT NULL,
                state varchar NOT NULL DEFAULT 'detached' CHECK (state IN ('detached', 'kept', 'dropped')),
                detached_at timestamp NOT NULL DEFAULT \(s).now(),
                settled_at timestamp,
                events bigint,
                bytes bigint,
                sha256 varchar,
                file text
            )
            """,
        ]
    }

    private var rights: [String] {
        [
            "GRANT SELECT, INSERT, UPDATE, DELETE ON \(store.schema).retention TO \(store.account)",
            EventRights(store).policy("retention", "org_id"),
        ]
    }

    /// Takes a partition out of the table of events, and says of each of its streams up to where it is gone: both or neither, in
    /// one call, so that a caller that is frozen holds no lock. The table is then one of its own under another name, which
    /// nothing adds to; its rows still cannot be changed.
    ///
    /// The short-lock way and not DETACH CONCURRENTLY, which is no part of any transaction (and not there before PostgreSQL 14):
    /// there would be a moment when readers find neither the events nor that they are archived. Everything here is in the
    /// catalog or one row for each stream; while the locks do not come at once it is given up, and tried again by the caller.
    ///
    /// Locks in the order in which appends and reads take them. That of the streams keeps out reads as well: one that has seen
    /// the floor holds its lock to its end, so that the events that it then looks for are there. The foreign key to the streams goes along: with it, dropping
    /// the table would lock them once more.
    ///
    /// - Returns: the table's name now; null where there is no such partition any more.
    ///
    /// Errors: EV423 a partition before it is still there, or a group has not done its events (unless `p_leave`); DETAIL has
    /// them. 55P03 the locks did not come within `p_wait`.
    private var detach: [String] {
        let s = store.schema
        return [
            """
            CREATE OR REPLACE FUNCTION \(s).detach_partition(p_partition varchar, p_from timestamp, p_until timestamp, p_leave boolean, p_wait integer)
            RETURNS varchar LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
            DECLARE
                place constant text := \(SQL.literal(store.name));
                key record;
                new_name varchar := 'archived_' || p_partition;
                number integer := 1;
                behind text;
                streams uuid[];
                floors bigint[];
            BEGIN
                PERFORM set_config('lock_timeout', p_wait::text, true);
                LOCK TABLE \(s).event_streams IN ACCESS EXCLUSIVE MODE;
                LOCK TABLE ONLY \(s).events IN ACCESS EXCLUSIVE MODE;
                IF NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = format('%I.events', place)::regclass
                                  AND i.inhrelid = to_regclass(format('%I.%I', place, p_partition))) THEN
                    RETURN NULL;
                END IF;
                EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', place, p_partition);
                IF EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = format('%I.events', place)::regclass
                              AND (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\)'))[1]::timestamp < p_from) THEN
                    RAISE EXCEPTION 'events before % are not archived yet', p_from USING ERRCODE = 'EV423',
                        HINT = 'Archive partitions in the order of their times.';
                END IF;
                SELECT array_agg(x.id), array_agg(x.floor) INTO streams, floors FROM (
                    SELECT e.id, coalesce((SELECT min(q.first_position) - 1 FROM \(s).stream_partitions q
                                            WHERE q.stream_id = e.id AND q.starts_at > p_from), e.last_position) AS floor
                      FROM \(s).event_streams e WHERE e.id IN (SELECT p.stream_id FROM \(s).stream_partitions p WHERE p.starts_at = p_from)) x;
                IF NOT p_leave THEN
                    SELECT string_agg(format('%s of %s stands at %s of %s', x.name, x.stream, x.position, x.floor), E'\\n') INTO behind FROM (
                        SELECT g.name, e.name AS stream, min(o.position) AS position, f.floor
                          FROM unnest(streams, floors) AS f (id, floor) JOIN \(s).event_streams e ON e.id = f.id AND e.is_active
                          JOIN \(s).consumer_groups g ON g.stream_id = e.id JOIN \(s).group_slots o ON o.group_id = g.id
                         GROUP BY g.id, g.name, e.name, f.floor HAVING min(o.position) < f.floor ORDER BY 2, 1 LIMIT 20) x;
                    IF behind IS NOT NULL THEN
                        RAISE EXCEPTION 'consumer groups have not done the events of %', p_partition USING ERRCODE = 'EV423', DETAIL = behind;
                    END IF;
                END IF;
                EXECUTE format('ALTER TABLE %I.events DETACH PARTITION %I.%I', place, place, p_partition);
                FOR key IN SELECT c.conname FROM pg_constraint c WHERE c.conrelid = format('%I.%I', place, p_partition)::regclass AND c.contype = 'f' LOOP
                    EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT %I', place, p_partition, key.conname);
                END LOOP;
                WHILE to_regclass(format('%I.%I', place, new_name)) IS NOT NULL
                    OR EXISTS (SELECT FROM \(s).archived_partitions a WHERE a.name = new_name) LOOP
                    number := number + 1;
                    new_name := 'archived_' || p_partition || '_' || number;
                END LOOP;
                EXECUTE format('ALTER TABLE %I.%I RENAME TO %I', place, p_partition, new_name);
                EXECUTE format('CREATE TRIGGER events_immutable BEFORE UPDATE OR DELETE ON %I.%I FOR EACH ROW EXECUTE FUNCTION %I.refuse_change()', place, new_name, place);
                UPDATE \(s).event_streams e SET floor_position = f.floor FROM unnest(streams, floors) AS f (id, floor) WHERE e.id = f.id AND e.floor_position < f.floor;
                DELETE FROM \(s).stream_partitions p WHERE p.starts_at <= p_from;
                INSERT INTO \(s).archived_partitions (name, partition, starts_at, ends_at) VALUES (new_name, p_partition, p_from, p_until);
                RETURN new_name;
            END
            $function$
            """,
            "REVOKE ALL ON FUNCTION \(s).detach_partition(varchar, timestamp, timestamp, boolean, integer) FROM PUBLIC",
        ]
    }
}
