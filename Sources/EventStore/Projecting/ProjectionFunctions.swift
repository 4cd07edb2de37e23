/// What projections ask of the store beyond reading: dead letters of their groups.
struct ProjectionFunctions {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var statements: [String] { redriven + letters }

    /// Dead letters that are to be tried once more, up to the projection's position: those behind it come in their order.
    /// Each belongs to the member for a minute; who was killed with one leaves it to the next.
    private var redriven: [String] {
        let s = store.schema
        return store.function(
            "projection_redriven(p_org uuid, p_stream uuid, p_group varchar, p_member varchar, p_upto bigint)",
            types: "uuid, uuid, varchar, varchar, bigint",
            returns: """
                TABLE (letter uuid, letter_epoch bigint, attempt integer, event_position bigint, event_id uuid,
                    event_type varchar, event_key varchar, event_payload text, event_metadata text, at timestamp)
                """,
            """
                RETURN QUERY WITH taken AS (
                    UPDATE \(s).dead_letter_events d SET lease_owner = p_member, epoch = d.epoch + 1,
                           next_try = clock_timestamp() + interval '1 minute'
                     WHERE d.id = ANY (ARRAY(SELECT x.id FROM \(s).dead_letter_events x
                                JOIN \(s).consumer_groups g ON g.id = x.group_id
                               WHERE g.stream_id = p_stream AND g.org_id = p_org AND g.name = p_group
                                 AND x.status = 'redriving' AND x.next_try <= clock_timestamp() AND x.position <= p_upto
                               ORDER BY x.position LIMIT 100 FOR UPDATE OF x SKIP LOCKED))
                    RETURNING d.id, d.epoch, d.attempts + 1, d.position, d.event_id, d.type, d.key, d.payload::text, d.metadata::text,
                        \(s).time_of(d.event_id))
                SELECT * FROM taken t ORDER BY t.position;
            """)
    }

    /// After another copy has taken the place of the read model: the group's dead letters are those of that copy.
    private var letters: [String] {
        let s = store.schema
        return store.function(
            "projection_letters(p_org uuid, p_stream uuid, p_group varchar, p_positions bigint[], p_reasons text[], p_classes text[])",
            types: "uuid, uuid, varchar, bigint[], text[], text[]", returns: "void", declare: "g uuid; n integer;",
            """
                SELECT c.id INTO g FROM \(s).consumer_groups c WHERE c.stream_id = p_stream AND c.org_id = p_org AND c.name = p_group;
                UPDATE \(s).dead_letter_events d SET status = 'resolved', lease_owner = NULL
                 WHERE d.group_id = g AND d.status IN ('dead', 'redriving') AND d.position <> ALL (p_positions);
                FOR n IN 1..cardinality(p_positions) LOOP
                    -- One that waits as it is, or that somebody has discarded, stays so.
                    IF NOT EXISTS (SELECT FROM \(s).dead_letter_events d WHERE d.group_id = g AND d.position = p_positions[n]
                                      AND d.status <> 'resolved') THEN
                        PERFORM \(s).set_aside(p_org, p_stream, p_group, p_positions[n], p_reasons[n], p_classes[n]::varchar);
                    END IF;
                END LOOP;
            """)
    }
}
