/// What exports ask beyond reading.
struct ExportFunctions {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    /// The position before the first event of that time or later; that of the last event where there is none.
    ///
    /// Error: EV404 no such stream.
    var statements: [String] {
        let s = store.schema
        return store.function(
            "position_before(p_org uuid, p_stream uuid, p_time timestamp)", types: "uuid, uuid, timestamp",
            returns: "bigint", declare: "stream record; place bigint;",
            """
                SELECT e.last_position, e.floor_position INTO stream FROM \(s).event_streams e WHERE e.id = p_stream AND e.org_id = p_org;
                IF NOT FOUND THEN RAISE EXCEPTION 'there is no such stream' USING ERRCODE = 'EV404'; END IF;
                SELECT e.position - 1 INTO place FROM \(s).events e
                 WHERE e.stream_id = p_stream AND e.org_id = p_org AND e.created_at >= p_time ORDER BY e.created_at, e.position LIMIT 1;
                RETURN greatest(coalesce(place, stream.last_position), stream.floor_position);
            """)
    }
}
