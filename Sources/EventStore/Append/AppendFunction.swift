/// `append`: arrays in, positions out, in one transaction.
///
/// A call carries several requests, each of one or more streams (parts). A request is done as a whole or not at all; one that is
/// refused does not stop the others. The rows of the streams are locked in the order of their ids, so that two calls never wait
/// for each other; while a row is locked nobody else gets a position in that stream, and so positions are gapless, and in the
/// order of commits.
struct AppendFunction {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    /// What became of a part.
    ///
    /// - `appended`, `repeated` (the same was appended earlier under its idempotency key),
    /// - `conflict`: the stream has another version than expected,
    /// - `key_reused`: the key was used for something else,
    /// - `no_stream`: there is none of that id in this organisation, or it is inactive,
    /// - `schema_changed`: the payloads were checked against another version of the schema.
    /// - `withheld`: another part of the request was refused.
    ///
    /// Parameters, one element for each part unless said otherwise: `p_request` its request, ascending; `p_stream`; `p_expected`
    /// the version, -1 for any; `p_count` how many events; `p_key` the idempotency key, null for none;
    /// `p_schema` the version of the schema that was checked, 0 for none; `p_part` for each event its part; `p_events` the
    /// events of all parts, each `[type, key, payload, metadata]`.
    var statements: [String] {
        let s = store.schema
        let types = "uuid, integer[], uuid[], bigint[], integer[], varchar[], integer[], integer[], jsonb"
        return store.function(
            """
            append(p_org uuid, p_request integer[], p_stream uuid[], p_expected bigint[], p_count integer[], p_key varchar[],
                p_schema integer[], p_part integer[], p_events jsonb)
            """,
            types: types,
            returns:
                "TABLE (part integer, outcome text, first_position bigint, last_position bigint, stream_position bigint, appended_at timestamp, id_list uuid[])",
            declare: """
                    parts constant integer := cardinality(p_stream);
                    streams uuid[]; positions bigint[]; earlier bigint[]; versions integer[]; times timestamp[];
                    moment timestamp;
                    -- Of each part: what became of it, its first position, its time, and what leads from the number of an event
                    -- in the call to its position.
                    verdict text[]; old bigint[]; at_of timestamp[]; base bigint[];
                    ids uuid[]; hashes text[];
                    before integer := 0;
                    i integer := 1; upto integer; n integer; repeated integer;
                    known record; refusal text;
                """,
            """
                -- Text of several requests is one array here: none of them may have shifted the others.
                IF jsonb_array_length(p_events) <> coalesce(cardinality(p_part), 0) OR EXISTS (SELECT FROM jsonb_array_elements(p_events) e
                    WHERE jsonb_typeof(e) <> 'array' OR jsonb_array_length(e) <> 4 OR jsonb_typeof(e -> 3) <> 'object') THEN
                    RAISE EXCEPTION 'an event is not [type, key, payload, metadata]' USING ERRCODE = 'EV422';
                END IF;
                SELECT array_agg(l.id), array_agg(l.last_position), array_agg(l.schema_version), array_agg(l.last_at), max(l.last_at)
                  INTO streams, positions, versions, times, moment
                  FROM (SELECT e.id, e.last_position, e.schema_version, e.last_at FROM \(s).event_streams e
                         WHERE e.id = ANY (p_stream) AND e.org_id = p_org AND e.is_active ORDER BY e.id FOR NO KEY UPDATE) l;
                -- After the locks, and never before the last event: a stream's times follow its positions, whatever the clock does.
                moment := greatest(moment, \(s).now());
                earlier := positions;
                IF array_length(array_remove(p_key, NULL), 1) > 0 THEN
                    -- Of the content, not of how it was written.
                    hashes := ARRAY(SELECT encode(sha256(convert_to(string_agg(e.event::text, ',' ORDER BY e.number), 'UTF8')), 'hex')
                                      FROM ROWS FROM (jsonb_array_elements(p_events), unnest(p_part)) WITH ORDINALITY AS e (event, part, number)
                                     GROUP BY e.part ORDER BY e.part);
                END IF;
                WHILE i <= parts LOOP
                    upto := i;
                    WHILE upto < parts AND p_request[upto + 1] = p_request[i] LOOP upto := upto + 1; END LOOP;
                    refusal := NULL;
                    repeated := 0;
                    FOR k IN i..upto LOOP
                        n := array_position(streams, p_stream[k]);
                        verdict[k] := CASE WHEN n IS NULL THEN 'no_stream' WHEN p_expected[k] >= 0 AND positions[n] <> p_expected[k] THEN 'conflict'
                            WHEN p_schema[k] <> versions[n] THEN 'schema_changed' END;
                        IF n IS NOT NULL AND p_key[k] IS NOT NULL THEN
                            SELECT a.request_hash, a.first_position, a.appended_at INTO known FROM \(s).append_keys a
                             WHERE a.stream_id = p_stream[k] AND a.key = p_key[k];
                            IF FOUND AND known.request_hash = hashes[k] THEN
                                verdict[k] := 'repeated';
                                repeated := repeated + 1;
                                old[k] := known.first_position;
                                at_of[k] := known.appended_at;
                            ELSIF FOUND THEN
                                verdict[k] := 'key_reused';
                            END IF;
                        END IF;
                        IF verdict[k] <> 'repeated' THEN refusal := coalesce(refusal, verdict[k]); END IF;
                    END LOOP;
                    -- A key that is known for some of the streams only was another request's.
                    IF repeated BETWEEN 1 AND upto - i AND refusal IS NULL THEN refusal := 'key_reused'; END IF;
                    FOR k IN i..upto LOOP
                        n := array_position(streams, p_stream[k]);
                        IF refusal IS NOT NULL THEN
                            verdict[k] := coalesce(nullif(verdict[k], 'repeated'), 'withheld');
                            old[k] := NULL;
                        ELSIF repeated = 0 THEN
                            verdict[k] := 'appended';
                            old[k] := positions[n] + 1;
                            base[k] := positions[n] - before;
                            positions[n] := positions[n] + p_count[k];
                            at_of[k] := moment;
                            IF p_key[k] IS NOT NULL THEN
                                INSERT INTO \(s).append_keys (stream_id, key, org_id, request_hash, first_position, last_position, appended_at)
                                VALUES (p_stream[k], p_key[k], p_org, hashes[k], old[k], positions[n], moment);
                            END IF;
                        END IF;
                        before := before + p_count[k];
                    END LOOP;
                    i := upto + 1;
                END LOOP;
                ids := ARRAY(SELECT \(s).new_id(moment) FROM generate_series(1, before));
                INSERT INTO \(s).events (id, stream_id, payload, metadata, created_at, org_id, position, type, key, slot)
                SELECT ids[e.number], p_stream[e.part], e.event -> 2,
                       CASE WHEN p_schema[e.part] > 0 THEN (e.event -> 3) || jsonb_build_object('schema_version', p_schema[e.part]) ELSE e.event -> 3 END,
                       moment, p_org, base[e.part] + e.number, e.event ->> 0, e.event ->> 1,
                       (hashtextextended(coalesce(e.event ->> 1, (base[e.part] + e.number)::text), 0) & 2147483647)::integer
                  FROM ROWS FROM (jsonb_array_elements(p_events), unnest(p_part)) WITH ORDINALITY AS e (event, part, number)
                 WHERE base[e.part] IS NOT NULL;
                INSERT INTO \(s).stream_partitions (stream_id, first_position, org_id, starts_at)
                SELECT l.id, l.earlier + 1, p_org, date_trunc('\(store.every.rawValue)', moment)
                  FROM unnest(streams, earlier, positions, times) AS l (id, earlier, position, at)
                 WHERE l.position > l.earlier AND l.at < date_trunc('\(store.every.rawValue)', moment);
                UPDATE \(s).event_streams e SET last_position = l.position, last_at = moment
                  FROM unnest(streams, positions) AS l (id, position) WHERE e.id = l.id AND e.last_position <> l.position;
                before := 0;
                FOR k IN 1..parts LOOP
                    part := k;
                    outcome := verdict[k];
                    first_position := old[k];
                    last_position := old[k] + p_count[k] - 1;
                    stream_position := positions[array_position(streams, p_stream[k])];
                    appended_at := at_of[k];
                    IF verdict[k] = 'repeated' THEN
                        id_list := ARRAY(SELECT e.id FROM \(s).events e WHERE e.stream_id = p_stream[k] AND e.created_at = at_of[k]
                                            AND e.position BETWEEN old[k] AND old[k] + p_count[k] - 1 ORDER BY e.position);
                    ELSE
                        id_list := CASE WHEN verdict[k] = 'appended' THEN ids[before + 1:before + p_count[k]] END;
                    END IF;
                    before := before + p_count[k];
                    RETURN NEXT;
                END LOOP;
            """)
            // Planned anew for each call, its statements take a quarter of the time of a small one; no other plan is better.
            + ["ALTER FUNCTION \(s).append(\(types)) SET plan_cache_mode = force_generic_plan"]
    }
}
