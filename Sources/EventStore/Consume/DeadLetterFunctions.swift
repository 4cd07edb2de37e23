import SQLSyntax

/// What becomes of events that a consumer cannot work with: tried again later and later, and then set aside, so that those
/// behind them in their slot go on.
struct DeadLetterFunctions {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var statements: [String] { fail + settle + redrive + setAside + list }

    /// The member could not do the event at `p_position`; the events before it in its slot are done (`p_from` is where the slot
    /// stood). The slot waits, and nothing behind the event overtakes it; after the last attempt, or with `p_final`, it is a
    /// dead letter and the slot goes on behind it.
    ///
    /// - Returns: `retry` and when, or `dead`.
    ///
    /// Errors: EV404, EV409 as `commit`; EV422 there is no such event in the slot.
    private var fail: [String] {
        let s = store.schema
        return store.function(
            """
            fail(p_org uuid, p_group uuid, p_member varchar, p_slot integer, p_epoch bigint, p_from bigint, p_position bigint,
                p_reason text, p_class varchar, p_final boolean)
            """,
            types: "uuid, uuid, varchar, integer, bigint, bigint, bigint, text, varchar, boolean",
            returns: "TABLE (outcome text, attempts_made integer, again_at timestamptz)",
            declare: "g record; event record; tries integer;",
            """
                SELECT c.* INTO g FROM \(s).consumer_groups c WHERE c.id = p_group AND c.org_id = p_org;
                IF NOT FOUND THEN RAISE EXCEPTION 'there is no such consumer group' USING ERRCODE = 'EV404'; END IF;
                SELECT o.attempts INTO tries FROM \(s).group_slots o WHERE o.group_id = p_group AND o.slot = p_slot
                   AND o.lease_owner = p_member AND o.epoch = p_epoch AND o.position = p_from FOR NO KEY UPDATE;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'the lease was lost: slot % is not this member''s any more, or stands elsewhere', p_slot
                        USING ERRCODE = 'EV409', HINT = 'Forget what was done since the last commit, and poll again.';
                END IF;
                SELECT e.* INTO event FROM \(s).events e WHERE e.stream_id = g.stream_id AND e.org_id = p_org AND e.position = p_position
                   AND e.created_at >= \(s).partition_of(g.stream_id, p_position) AND e.slot % g.slots = p_slot;
                IF NOT FOUND OR p_position <= p_from THEN
                    RAISE EXCEPTION 'there is no event at % that slot % has to do', p_position, p_slot USING ERRCODE = 'EV422';
                END IF;
                -- Attempts are those of the event that comes next: they are others' if events before it are done only now.
                IF EXISTS (SELECT FROM \(s).events e WHERE e.stream_id = g.stream_id AND e.org_id = p_org AND e.slot % g.slots = p_slot
                              AND e.created_at >= \(s).partition_of(g.stream_id, p_from + 1)
                              AND e.position > p_from AND e.position < p_position) THEN
                    tries := 0;
                END IF;
                tries := tries + 1;
                attempts_made := tries;
                IF p_final OR tries >= g.max_attempts THEN
                    outcome := 'dead';
                    INSERT INTO \(s).dead_letter_events (event_id, reason, payload, org_id, group_id, stream_id, position, type, key, metadata, error_class, attempts)
                    VALUES (event.id, p_reason, event.payload, p_org, p_group, g.stream_id, event.position, event.type, event.key, event.metadata, p_class, tries)
                    -- Again, after a seek.
                    ON CONFLICT (group_id, event_id) DO UPDATE SET reason = excluded.reason, failed_at = excluded.failed_at,
                        error_class = excluded.error_class, attempts = excluded.attempts, status = 'dead', lease_owner = NULL;
                    UPDATE \(s).group_slots o SET position = p_position, attempts = 0, next_try = '-infinity'
                     WHERE o.group_id = p_group AND o.slot = p_slot;
                    PERFORM \(s).raise_watermark(p_group, g.stream_id);
                ELSE
                    outcome := 'retry';
                    again_at := clock_timestamp() + \(s).backoff(g.retry_first, g.retry_last, tries);
                    UPDATE \(s).group_slots o SET position = p_position - 1, attempts = tries, next_try = again_at
                     WHERE o.group_id = p_group AND o.slot = p_slot;
                END IF;
                RETURN NEXT;
            """)
    }

    /// The end of one more attempt at a dead letter: done, or dead again with one more attempt.
    private var settle: [String] {
        let s = store.schema
        return [
            // Twice as long each time, up to the longest; between half and all of that, so that not all come back at once. OPERATOR
            // binds all operators alike.
            """
            CREATE OR REPLACE FUNCTION \(s).backoff(shortest interval, longest interval, tries integer) RETURNS interval LANGUAGE sql VOLATILE AS $$
                SELECT least(EXTRACT(epoch FROM longest)::double precision, EXTRACT(epoch FROM shortest)::double precision
                           OPERATOR(pg_catalog.*) power(2, least(tries, 40) OPERATOR(pg_catalog.-) 1))
                       OPERATOR(pg_catalog.*) interval '1 second'
                       OPERATOR(pg_catalog.*) (0.5 OPERATOR(pg_catalog.+) (pg_catalog.random() OPERATOR(pg_catalog./) 2))
            $$
            """
        ] + store.helper("backoff(interval, interval, integer)")
            + store.function(
                "settle(p_org uuid, p_dead uuid, p_member varchar, p_epoch bigint, p_done boolean, p_reason text, p_class varchar)",
                types: "uuid, uuid, varchar, bigint, boolean, text, varchar", returns: "void",
                """
                    UPDATE \(s).dead_letter_events d SET status = CASE WHEN p_done THEN 'resolved' ELSE 'dead' END, attempts = d.attempts + 1,
                           reason = CASE WHEN p_done THEN d.reason ELSE p_reason END,
                           error_class = CASE WHEN p_done THEN d.error_class ELSE p_class END,
                           failed_at = CASE WHEN p_done THEN d.failed_at ELSE \(s).now() END, lease_owner = NULL
                     WHERE d.id = p_dead AND d.org_id = p_org AND d.status = 'redriving' AND d.lease_owner = p_member AND d.epoch = p_epoch;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'the lease was lost: this dead letter is not this member''s any more' USING ERRCODE = 'EV409',
                            HINT = 'Forget what was done with it, and poll again.';
                    END IF;
                """)
    }

    /// An event that a projection cannot do, under a group of its own with one slot, which stands where the projection does.
    private var setAside: [String] {
        let s = store.schema
        return store.function(
            "set_aside(p_org uuid, p_stream uuid, p_group varchar, p_position bigint, p_reason text, p_class varchar)",
            types: "uuid, uuid, varchar, bigint, text, varchar", returns: "void", declare: "g uuid;",
            """
                g := \(s).create_group(p_org, p_stream, p_group, 1, 0, 1, interval '1 second', interval '1 second');
                UPDATE \(s).group_slots o SET position = p_position WHERE o.group_id = g AND o.position < p_position;
                PERFORM \(s).raise_watermark(g, p_stream);
                IF p_reason IS NOT NULL THEN
                    INSERT INTO \(s).dead_letter_events (event_id, reason, payload, org_id, group_id, stream_id, position, type, key, metadata, error_class, attempts)
                    SELECT e.id, p_reason, e.payload, p_org, g, p_stream, e.position, e.type, e.key, e.metadata, p_class, 1
                      FROM \(s).events e WHERE e.stream_id = p_stream AND e.org_id = p_org AND e.position = p_position
                       AND e.created_at >= \(s).partition_of(p_stream, p_position)
                    ON CONFLICT (group_id, event_id) DO UPDATE SET reason = excluded.reason, failed_at = excluded.failed_at,
                        error_class = excluded.error_class, status = 'dead';
                END IF;
            """)
    }

    /// Dead letters in the order of their events: at most `p_limit`, and about `p_bytes` of payload, metadata and reason, at least
    /// one. A last row without a letter says that there are more, behind its `event_position`.
    private var list: [String] {
        let s = store.schema
        return store.function(
            "dead_letters(p_org uuid, p_group uuid, p_status varchar, p_after bigint, p_limit integer, p_bytes bigint)",
            types: "uuid, uuid, varchar, bigint, integer, bigint",
            returns: """
                TABLE (letter uuid, event_position bigint, event_id uuid, event_type varchar, event_key varchar, event_payload text,
                    event_metadata text, at timestamp, why text, class varchar, tries integer, letter_status varchar, failed timestamp)
                """,
            declare: "d record; size bigint := 0; given integer := 0;",
            """
                FOR d IN SELECT x.* FROM \(s).dead_letter_events x WHERE x.group_id = p_group AND x.org_id = p_org AND x.position > p_after
                            AND (p_status IS NULL OR x.status = p_status) ORDER BY x.position LIMIT p_limit + 1
                LOOP
                    IF given > 0 AND (given >= p_limit OR size >= p_bytes) THEN
                        letter := NULL;
                        RETURN NEXT;
                        EXIT;
                    END IF;
                    letter := d.id; event_position := d.position; event_id := d.event_id; event_type := d.type; event_key := d.key;
                    event_payload := d.payload::text; event_metadata := d.metadata::text; at := \(s).time_of(d.event_id);
                    why := d.reason; class := d.error_class; tries := d.attempts; letter_status := d.status; failed := d.failed_at;
                    size := size + octet_length(event_payload) + octet_length(event_metadata) + octet_length(why);
                    given := given + 1;
                    RETURN NEXT;
                END LOOP;
            """)
    }

    /// Dead letters of a group are to be tried once more, or never again: those with these ids, or all (null) up to a limit.
    private var redrive: [String] {
        let s = store.schema
        return store.function(
            "redrive(p_org uuid, p_group uuid, p_ids uuid[], p_limit integer)", types: "uuid, uuid, uuid[], integer",
            returns: "integer",
            declare: "changed integer;",
            """
                UPDATE \(s).dead_letter_events d SET status = 'redriving', next_try = '-infinity', lease_owner = NULL
                 WHERE d.id = ANY (ARRAY(SELECT x.id FROM \(s).dead_letter_events x WHERE x.group_id = p_group AND x.org_id = p_org AND x.status = 'dead'
                                   AND (p_ids IS NULL OR x.id = ANY (p_ids)) ORDER BY x.position LIMIT p_limit FOR UPDATE));
                GET DIAGNOSTICS changed = ROW_COUNT;
                -- Those who wait for the stream look for themselves.
                IF changed > 0 THEN PERFORM pg_notify(\(SQL.literal(GrowthMessage.channel)), \(SQL.literal(GrowthMessage(schema: store.name, ends: nil).text))); END IF;
                RETURN changed;
            """)
            + store.function(
                "discard(p_org uuid, p_group uuid, p_ids uuid[], p_limit integer)",
                types: "uuid, uuid, uuid[], integer",
                returns: "integer", declare: "changed integer;",
                """
                    UPDATE \(s).dead_letter_events d SET status = 'discarded', lease_owner = NULL
                     WHERE d.id = ANY (ARRAY(SELECT x.id FROM \(s).dead_letter_events x WHERE x.group_id = p_group AND x.org_id = p_org
                                       AND x.status IN ('dead', 'redriving') AND (p_ids IS NULL OR x.id = ANY (p_ids))
                                     ORDER BY x.position LIMIT p_limit FOR UPDATE));
                    GET DIAGNOSTICS changed = ROW_COUNT;
                    RETURN changed;
                """)
    }
}
