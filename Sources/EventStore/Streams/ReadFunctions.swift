/// Reading a stream by position.
struct ReadFunctions {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    /// The first row has no id: `position` is the stream's last one then. The others are events after `p_after`, at most
    /// `p_limit` and about `p_bytes` of payload and metadata, at least one.
    ///
    /// Errors: EV404 no such stream; EV416 events after `p_after` are archived already.
    var statements: [String] {
        let s = store.schema
        return places + store.helper("partition_of(uuid, bigint)")
            + store.function(
                "read(p_org uuid, p_stream uuid, p_after bigint, p_upto bigint, p_limit integer, p_bytes bigint)",
                types: "uuid, uuid, bigint, bigint, integer, bigint",
                returns:
                    "TABLE (event_position bigint, event_id uuid, event_type varchar, event_key varchar, event_payload text, event_metadata text, at timestamp)",
                declare: "stream record; lower timestamp; size bigint := 0;",
                """
                    SELECT e.last_position, e.floor_position INTO stream FROM \(s).event_streams e
                     WHERE e.id = p_stream AND e.org_id = p_org AND e.is_active;
                    IF NOT FOUND THEN RAISE EXCEPTION 'there is no such stream' USING ERRCODE = 'EV404'; END IF;
                    IF p_after < stream.floor_position THEN
                        RAISE EXCEPTION 'events up to % are archived', stream.floor_position USING ERRCODE = 'EV416', DETAIL = stream.floor_position::text;
                    END IF;
                    event_position := stream.last_position;
                    RETURN NEXT;
                    lower := \(s).partition_of(p_stream, least(p_after, stream.last_position) + 1);
                    FOR event_position, event_id, event_type, event_key, event_payload, event_metadata, at IN
                        SELECT e.position, e.id, e.type, e.key, e.payload::text, e.metadata::text, e.created_at FROM \(s).events e
                         WHERE e.stream_id = p_stream AND e.org_id = p_org AND e.created_at >= lower
                           AND e.position > p_after AND e.position <= least(p_upto, stream.last_position)
                         ORDER BY e.position LIMIT p_limit
                    LOOP
                        size := size + octet_length(event_payload) + octet_length(event_metadata);
                        RETURN NEXT;
                        EXIT WHEN size >= p_bytes;
                    END LOOP;
                """)
    }

    /// Where the partition begins that has this position of the stream.
    private var places: [String] {
        let s = store.schema
        return [
            """
            CREATE OR REPLACE FUNCTION \(s).partition_of(stream uuid, place bigint) RETURNS timestamp LANGUAGE sql STABLE AS $$
                SELECT coalesce((SELECT p.starts_at FROM \(s).stream_partitions p
                                  WHERE p.stream_id = stream AND p.first_position OPERATOR(pg_catalog.<=) place
                                  ORDER BY p.first_position DESC LIMIT 1), '-infinity')
            $$
            """
        ]
    }
}
