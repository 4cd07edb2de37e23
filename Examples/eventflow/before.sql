-- EventFlow before the move: eight tables in one pile in schema public, events partitioned by month.
-- Plain SQL only (no psql commands), deterministic data, so that it loads through psql and through libpq alike.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['eventflow_app', 'eventflow_reader'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I LOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another session loaded the same file at the same moment
        END;
    END LOOP;
END
$$;

CREATE TYPE failure_kind AS ENUM ('timeout', 'rejected', 'malformed');
CREATE DOMAIN stream_name AS varchar CHECK (VALUE ~ '^[a-z][a-z0-9.-]*$');

CREATE TABLE organizations (
    id         uuid PRIMARY KEY,
    name       varchar NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    is_active  boolean NOT NULL DEFAULT true
);
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES organizations (id),
    email         varchar NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role          varchar NOT NULL CHECK (role IN ('admin', 'viewer')),
    created_at    timestamp NOT NULL DEFAULT now(),
    is_active     boolean NOT NULL DEFAULT true
);
CREATE INDEX users_org_id_idx ON users (org_id);
CREATE TABLE api_keys (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES organizations (id),
    key_hash   text NOT NULL,
    label      varchar,
    created_at timestamp NOT NULL DEFAULT now(),
    revoked_at timestamp
);
CREATE INDEX api_keys_org_id_idx ON api_keys (org_id);
COMMENT ON COLUMN api_keys.key_hash IS 'Read on every ingest, and the pile has no index on it';

CREATE TABLE event_streams (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES organizations (id),
    name       stream_name NOT NULL,
    schema     jsonb,
    created_at timestamp NOT NULL DEFAULT now(),
    is_active  boolean NOT NULL DEFAULT true,
    UNIQUE (org_id, name)
);
-- A unique key of a partitioned table has to contain the partition key: id alone is refused.
CREATE TABLE events (
    id         uuid NOT NULL,
    stream_id  uuid NOT NULL REFERENCES event_streams (id),
    payload    jsonb NOT NULL,
    metadata   jsonb NOT NULL DEFAULT '{}',
    created_at timestamp NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE events_2025_01 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE events_2025_02 PARTITION OF events FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
CREATE TABLE events_2025_03 PARTITION OF events FOR VALUES FROM ('2025-03-01') TO ('2025-04-01');
CREATE TABLE events_2025_04 PARTITION OF events FOR VALUES FROM ('2025-04-01') TO ('2025-05-01');
CREATE TABLE events_2025_05 PARTITION OF events FOR VALUES FROM ('2025-05-01') TO ('2025-06-01');
CREATE TABLE events_2025_06 PARTITION OF events FOR VALUES FROM ('2025-06-01') TO ('2025-07-01');
CREATE INDEX events_stream_created_idx ON events (stream_id, created_at);
CREATE INDEX events_payload_idx ON events USING gin (payload jsonb_path_ops);
CREATE STATISTICS events_stream_month (ndistinct) ON stream_id, created_at FROM events;
COMMENT ON TABLE events IS 'Append-only: nothing here is changed or deleted';

CREATE TABLE consumer_groups (
    id         uuid PRIMARY KEY,
    stream_id  uuid NOT NULL REFERENCES event_streams (id),
    name       varchar NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (stream_id, name)
);
CREATE TABLE consumer_offsets (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    consumer_group_id uuid NOT NULL UNIQUE REFERENCES consumer_groups (id),
    last_event_id     uuid,
    updated_at        timestamp NOT NULL DEFAULT now()
);
-- No key to events: it would have to name created_at as well, and it would block detaching a partition.
CREATE TABLE dead_letter_events (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    event_id  uuid NOT NULL,
    reason    text,
    payload   jsonb,
    failed_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX dead_letter_events_event_id_idx ON dead_letter_events (event_id);
CREATE SEQUENCE export_batch_seq;

CREATE FUNCTION month_of(p_at timestamp) RETURNS date
    LANGUAGE sql IMMUTABLE AS $$SELECT date_trunc('month', p_at)::date$$;
CREATE FUNCTION next_export_batch() RETURNS bigint LANGUAGE sql AS $$SELECT nextval('public.export_batch_seq')$$;

CREATE FUNCTION stream_size(p_stream uuid) RETURNS bigint
    LANGUAGE sql STABLE AS 'SELECT count(*) FROM events WHERE stream_id = p_stream';
CREATE FUNCTION commit_offset(p_group uuid, p_event uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO consumer_offsets (consumer_group_id, last_event_id) VALUES (p_group, p_event)
    ON CONFLICT (consumer_group_id) DO UPDATE SET last_event_id = EXCLUDED.last_event_id, updated_at = now();
END
$$;
-- Tables of two of the new schemas in one body.
CREATE FUNCTION consumer_lag(p_group uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(e.id)
      FROM consumer_groups g
           LEFT JOIN consumer_offsets o ON o.consumer_group_id = g.id
           JOIN events e ON e.stream_id = g.stream_id
     WHERE g.id = p_group
       AND e.created_at > coalesce((SELECT last.created_at FROM events last WHERE last.id = o.last_event_id), '-infinity')
$$;
CREATE FUNCTION refuse_inactive_stream() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM event_streams s WHERE s.id = NEW.stream_id AND s.is_active) THEN
        RAISE EXCEPTION 'stream % is not active', NEW.stream_id;
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION bury(p_event uuid, p_kind failure_kind) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    buried uuid;
BEGIN
    INSERT INTO public.dead_letter_events (event_id, reason, payload)
    SELECT id, p_kind::text, payload FROM public.events WHERE id = p_event LIMIT 1
    RETURNING id INTO buried;
    RETURN buried;
END
$$;
-- The name of a partition is put together at run time, in the schema it was written for.
CREATE FUNCTION month_size(p_month date) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM public.events_' || to_char(p_month, 'YYYY_MM') INTO answer;
    RETURN answer;
END
$$;

CREATE TRIGGER events_active_stream BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse_inactive_stream();

CREATE VIEW stream_overview AS
    SELECT s.id, s.name, o.name AS organization, count(g.id) AS consumer_groups
      FROM event_streams s JOIN organizations o ON o.id = s.org_id LEFT JOIN consumer_groups g ON g.stream_id = s.id
     WHERE s.is_active GROUP BY s.id, s.name, o.name;
CREATE MATERIALIZED VIEW events_per_day AS
    SELECT stream_id, created_at::date AS day, count(*) AS events FROM events GROUP BY stream_id, created_at::date
    WITH NO DATA;
CREATE UNIQUE INDEX events_per_day_key ON events_per_day (stream_id, day);

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY api_keys_app ON api_keys TO eventflow_app USING (true) WITH CHECK (true);

GRANT USAGE ON SCHEMA public TO eventflow_app, eventflow_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO eventflow_app;
GRANT SELECT ON organizations, event_streams, events, consumer_groups, stream_overview, events_per_day TO eventflow_reader;

INSERT INTO organizations (id, name, created_at, is_active)
SELECT md5('org ' || n)::uuid, 'Organization ' || n, timestamp '2024-11-01' + n * interval '1 day', n <> 8 FROM generate_series(1, 8) AS n;
INSERT INTO users (id, org_id, email, password_hash, role, created_at)
SELECT md5('user ' || n)::uuid, md5('org ' || 1 + n % 8)::uuid, 'user' || n || '@eventflow.example', md5('hash ' || n),
       CASE WHEN n % 5 = 0 THEN 'admin' ELSE 'viewer' END, timestamp '2024-11-15' + n * interval '1 hour' FROM generate_series(1, 40) AS n;
INSERT INTO api_keys (id, org_id, key_hash, label, created_at, revoked_at)
SELECT md5('key ' || n)::uuid, md5('org ' || 1 + n % 8)::uuid, md5('secret ' || n), 'producer ' || n,
       timestamp '2024-12-01' + n * interval '1 hour', CASE WHEN n % 6 = 0 THEN timestamp '2025-03-01' END FROM generate_series(1, 24) AS n;
INSERT INTO event_streams (id, org_id, name, schema, created_at)
SELECT md5('stream ' || n)::uuid, md5('org ' || 1 + n % 8)::uuid, 'stream-' || n,
       CASE WHEN n % 2 = 0 THEN jsonb_build_object('type', 'object') END, timestamp '2024-12-15' + n * interval '1 hour' FROM generate_series(1, 16) AS n;
INSERT INTO events (id, stream_id, payload, metadata, created_at)
SELECT md5('event ' || n)::uuid, md5('stream ' || 1 + n % 16)::uuid,
       jsonb_build_object('n', n, 'kind', (ARRAY['created', 'paid', 'shipped'])[1 + n % 3]), jsonb_build_object('source', 'api'),
       timestamp '2025-01-01' + n * interval '30 minutes'
  FROM generate_series(1, 8000) AS n;
INSERT INTO consumer_groups (id, stream_id, name, created_at)
SELECT md5('group ' || n)::uuid, md5('stream ' || 1 + n % 16)::uuid, 'consumer-' || n, timestamp '2025-01-05' FROM generate_series(1, 32) AS n;
INSERT INTO consumer_offsets (id, consumer_group_id, last_event_id, updated_at)
SELECT md5('offset ' || n)::uuid, md5('group ' || n)::uuid, md5('event ' || 4000 + n % 16)::uuid, timestamp '2025-04-01' FROM generate_series(1, 30) AS n;
INSERT INTO dead_letter_events (id, event_id, reason, payload, failed_at)
SELECT md5('dead ' || n)::uuid, md5('event ' || n * 50)::uuid, 'timeout', jsonb_build_object('n', n * 50),
       timestamp '2025-05-01' + n * interval '1 hour' FROM generate_series(1, 45) AS n;

REFRESH MATERIALIZED VIEW events_per_day;
ANALYZE;
