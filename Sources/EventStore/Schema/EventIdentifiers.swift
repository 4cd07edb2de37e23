/// Ids are UUIDv7 (RFC 9562): their first 48 bits are the milliseconds since 1970, so that an id tells its time, and the
/// partition of the event that has it.
struct EventIdentifiers {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var functions: [String] {
        [
            // 74 of the 122 random bits of a version 4 stay.
            """
            CREATE OR REPLACE FUNCTION \(store.schema).new_id(at timestamp) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
                SELECT pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(pg_catalog.overlay(
                    pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
                    pg_catalog.substring(pg_catalog.int8send((EXTRACT(epoch FROM at) OPERATOR(pg_catalog.*) 1000)::bigint), 3),
                    1, 6), 52, 1), 53, 1), 'hex')::uuid
            $$
            """,
            """
            CREATE OR REPLACE FUNCTION \(store.schema).time_of(id uuid) RETURNS timestamp
            LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
                SELECT timestamp '1970-01-01' OPERATOR(pg_catalog.+) (interval '1 millisecond' OPERATOR(pg_catalog.*)
                    ('x' OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.substring(pg_catalog.uuid_send(id), 1, 6), 'hex'))::bit(48)::bigint)
            $$
            """,
            // The primary's clock, in what an id can hold.
            """
            CREATE OR REPLACE FUNCTION \(store.schema).now() RETURNS timestamp LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
                SELECT pg_catalog.date_trunc('milliseconds', pg_catalog.clock_timestamp() AT TIME ZONE 'UTC')
            $$
            """,
        ]
    }
}
