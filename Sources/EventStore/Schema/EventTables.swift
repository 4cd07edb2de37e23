import SQLSyntax

/// Tables, keys and indexes. Names, types, keys and indexes of seed 003 are as documented there; what is added stands after
/// them in each table, with its reason.
struct EventTables {
    private let s: String

    init(_ store: EventSchema) { s = store.schema }

    var statements: [String] { people + streams + events + consumers + bounds + indexes }

    private var created: String { "created_at timestamp NOT NULL DEFAULT \(s).now()" }
    private var id: String { "id uuid PRIMARY KEY DEFAULT \(s).new_id(\(s).now())" }
    private var organization: String { "org_id uuid NOT NULL REFERENCES \(s).organizations" }

    private var people: [String] {
        [
            """
            CREATE TABLE IF NOT EXISTS \(s).organizations (
                \(id),
                name varchar NOT NULL,
                \(created),
                is_active boolean NOT NULL DEFAULT true
            )
            """,
            // An e-mail address is one person's, in whichever organisation; it is kept in lower case.
            """
            CREATE TABLE IF NOT EXISTS \(s).users (
                \(id),
                \(organization),
                email varchar NOT NULL UNIQUE,
                password_hash text NOT NULL,
                role varchar NOT NULL,
                \(created),
                is_active boolean NOT NULL DEFAULT true
            )
            """,
            """
            CREATE TABLE IF NOT EXISTS \(s).login_sessions (
                \(id),
                \(organization),
                user_id uuid NOT NULL REFERENCES \(s).users,
                token_hash text NOT NULL UNIQUE,
                \(created),
                expires_at timestamp NOT NULL,
                ended_at timestamp
            )
            """,
            // Each request looks its key up by the hash. The prefix tells a person which key it is.
            """
            CREATE TABLE IF NOT EXISTS \(s).api_keys (
                \(id),
                \(organization),
                key_hash text NOT NULL UNIQUE,
                label varchar NOT NULL,
                \(created),
                revoked_at timestamp,
                prefix varchar NOT NULL,
                scopes text[] NOT NULL,
                expires_at timestamp
            )
            """,
        ]
    }

    private var streams: [String] {
        [
            // The row of a stream is the lock, the version check and the counter of its positions: it changes with every
            // append, in the same page where there is room.
            """
            CREATE TABLE IF NOT EXISTS \(s).event_streams (
                \(id),
                \(organization),
                name varchar NOT NULL,
                schema jsonb,
                \(created),
                is_active boolean NOT NULL DEFAULT true,
                schema_version integer NOT NULL DEFAULT 0,
                compatibility varchar NOT NULL DEFAULT 'none' CHECK (compatibility IN ('none', 'backward', 'forward', 'full')),
                last_position bigint NOT NULL DEFAULT 0,
                last_at timestamp NOT NULL DEFAULT '-infinity',
                floor_position bigint NOT NULL DEFAULT 0,
                UNIQUE (org_id, name)
            ) WITH (fillfactor = 50)
            """,
            "COMMENT ON COLUMN \(s).event_streams.floor_position IS 'events up to here are archived and gone'",
            """
            CREATE TABLE IF NOT EXISTS \(s).stream_schemas (
                stream_id uuid NOT NULL REFERENCES \(s).event_streams,
                version integer NOT NULL,
                \(organization),
                schema jsonb NOT NULL,
                compatibility varchar NOT NULL,
                \(created),
                PRIMARY KEY (stream_id, version)
            )
            """,
            // Where each stream begins in each partition that it has events in: what leads from a position, or a time, to the
            // partitions that have to be read.
            """
            CREATE TABLE IF NOT EXISTS \(s).stream_partitions (
                stream_id uuid NOT NULL REFERENCES \(s).event_streams,
                first_position bigint NOT NULL,
                \(organization),
                starts_at timestamp NOT NULL,
                PRIMARY KEY (stream_id, first_position)
            )
            """,
            // Idempotency: who sends the same again gets the first answer again.
            """
            CREATE TABLE IF NOT EXISTS \(s).append_keys (
                stream_id uuid NOT NULL REFERENCES \(s).event_streams,
                key varchar NOT NULL,
                \(organization),
                request_hash text NOT NULL,
                first_position bigint NOT NULL,
                last_position bigint NOT NULL,
                appended_at timestamp NOT NULL,
                PRIMARY KEY (stream_id, key)
            )
            """,
        ]
    }

    /// The id alone cannot be the key of a table that is partitioned by time, and a key of both would take the same id twice:
    /// with the CHECK, one id has one time only, and is unique again.
    ///
    /// `org_id` is the stream's, for row security; no key of its own leads to the organisation, for each would be looked up
    /// once more for every event. `position` is gapless in its stream; `type` and `key` (of the aggregate) are the producer's; `slot` is the hash of the
    /// key, stored, so that no other version of PostgreSQL ever sees it differently.
    private var events: [String] {
        [
            """
            CREATE TABLE IF NOT EXISTS \(s).events (
                id uuid NOT NULL,
                stream_id uuid NOT NULL REFERENCES \(s).event_streams,
                payload jsonb NOT NULL,
                metadata jsonb NOT NULL,
                created_at timestamp NOT NULL,
                org_id uuid NOT NULL,
                position bigint NOT NULL CHECK (position > 0),
                type varchar NOT NULL,
                key varchar,
                slot integer NOT NULL CHECK (slot >= 0),
                PRIMARY KEY (id, created_at),
                CONSTRAINT events_time_of_id CHECK (created_at = \(s).time_of(id))
            ) PARTITION BY RANGE (created_at)
            """
        ]
    }

    private var consumers: [String] {
        [
            """
            CREATE TABLE IF NOT EXISTS \(s).consumer_groups (
                \(id),
                stream_id uuid NOT NULL REFERENCES \(s).event_streams,
                name varchar NOT NULL,
                \(created),
                \(organization),
                slots integer NOT NULL DEFAULT 16 CHECK (slots BETWEEN 1 AND 256),
                max_attempts integer NOT NULL DEFAULT 5 CHECK (max_attempts BETWEEN 1 AND 1000),
                retry_first interval NOT NULL DEFAULT '1 second',
                retry_last interval NOT NULL DEFAULT '5 minutes',
                UNIQUE (stream_id, name)
            )
            """,
            // No key leads to the event: those of a partition that is archived go, and the offset stays.
            """
            CREATE TABLE IF NOT EXISTS \(s).consumer_offsets (
                \(id),
                consumer_group_id uuid NOT NULL UNIQUE REFERENCES \(s).consumer_groups,
                last_event_id uuid,
                updated_at timestamp NOT NULL DEFAULT \(s).now(),
                \(organization),
                position bigint NOT NULL DEFAULT 0
            ) WITH (fillfactor = 50)
            """,
            "COMMENT ON TABLE \(s).consumer_offsets IS 'low watermark of each group: all events up to it are done'",
            // Progress by slot (hash of the key), and who works on it: the epoch goes up with each owner, and a commit of
            // another epoch is refused.
            """
            CREATE TABLE IF NOT EXISTS \(s).group_slots (
                group_id uuid NOT NULL REFERENCES \(s).consumer_groups,
                slot integer NOT NULL,
                \(organization),
                position bigint NOT NULL DEFAULT 0,
                lease_owner varchar,
                lease_until timestamptz NOT NULL DEFAULT '-infinity',
                epoch bigint NOT NULL DEFAULT 0,
                attempts integer NOT NULL DEFAULT 0,
                next_try timestamptz NOT NULL DEFAULT '-infinity',
                PRIMARY KEY (group_id, slot)
            ) WITH (fillfactor = 50)
            """,
            """
            CREATE TABLE IF NOT EXISTS \(s).group_members (
                group_id uuid NOT NULL REFERENCES \(s).consumer_groups,
                member varchar NOT NULL,
                \(organization),
                seen_until timestamptz NOT NULL,
                PRIMARY KEY (group_id, member)
            ) WITH (fillfactor = 50)
            """,
            // With a copy of the event's payload: it is there when the event's partition is gone. So no key leads to it.
            """
            CREATE TABLE IF NOT EXISTS \(s).dead_letter_events (
                \(id),
                event_id uuid NOT NULL,
                reason text NOT NULL,
                payload jsonb NOT NULL,
                failed_at timestamp NOT NULL DEFAULT \(s).now(),
                \(organization),
                group_id uuid NOT NULL REFERENCES \(s).consumer_groups,
                stream_id uuid NOT NULL REFERENCES \(s).event_streams,
                position bigint NOT NULL,
                type varchar NOT NULL,
                key varchar,
                metadata jsonb NOT NULL,
                error_class varchar NOT NULL DEFAULT '',
                attempts integer NOT NULL,
                status varchar NOT NULL DEFAULT 'dead' CHECK (status IN ('dead', 'redriving', 'resolved', 'discarded')),
                next_try timestamptz NOT NULL DEFAULT '-infinity',
                lease_owner varchar,
                epoch bigint NOT NULL DEFAULT 0,
                UNIQUE (group_id, event_id)
            )
            """,
        ]
    }

    /// How long names may be, as in the API. Beside the tables, for those that are there already; where an earlier version took a
    /// longer one, nothing is added: it would stop every change of that row, and so appends.
    private var bounds: [String] {
        [
            ("event_streams", "name", "char_length"), ("consumer_groups", "name", "char_length"),
            ("group_members", "member", "octet_length"),
        ].map { table, column, length in
            """
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = \(SQL.literal("\(s).\(table)"))::regclass
                                  AND conname = '\(table)_\(column)_length') THEN
                    ALTER TABLE \(s).\(table) ADD CONSTRAINT \(table)_\(column)_length CHECK (\(length)(\(column)) BETWEEN 1 AND 200);
                END IF;
            EXCEPTION WHEN check_violation THEN NULL;
            END $$
            """
        }
    }

    /// Only on read paths. `events (payload)` gets its GIN index partition by partition, once nothing is added there any more.
    ///
    /// One that is there is left alone, without a lock.
    private var indexes: [String] {
        [
            ("users_org_id_idx", "users (org_id)"), ("api_keys_org_id_idx", "api_keys (org_id)"),
            ("append_keys_appended_at_idx", "append_keys (appended_at)"),
            ("events_stream_id_created_at_idx", "events (stream_id, created_at)"),
            ("events_stream_id_position_idx", "events (stream_id, position)"),
            ("events_created_at_idx", "events USING brin (created_at)"),
            ("dead_letter_events_event_id_idx", "dead_letter_events (event_id)"),
            ("dead_letter_events_status_idx", "dead_letter_events (group_id, status, position)"),
            ("dead_letter_events_redriving_idx", "dead_letter_events (group_id, next_try) WHERE status = 'redriving'"),
        ].map { name, place in
            """
            DO $$ BEGIN
                IF to_regclass(\(SQL.literal("\(s).\(name)"))) IS NULL THEN CREATE INDEX \(name) ON \(s).\(place); END IF;
            END $$
            """
        }
    }
}
