-- HausPet before the move: everything in one pile in schema public.
-- Plain SQL only (no psql commands), deterministic data, so that it loads through psql and through libpq alike.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['hauspet_app', 'hauspet_report'] LOOP
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

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE TYPE "AnimalType" AS ENUM ('CAT', 'DOG', 'RABBIT', 'BIRD');
CREATE TYPE "Role" AS ENUM ('USER', 'EDITOR', 'ADMIN');
CREATE DOMAIN email_address AS text CHECK (VALUE ~ '^[^@ ]+@[^@ ]+\.[^@ ]+$');

CREATE TABLE "_prisma_migrations" (
    id                  varchar(36) PRIMARY KEY,
    checksum            varchar(64) NOT NULL,
    finished_at         timestamptz,
    migration_name      varchar(255) NOT NULL,
    logs                text,
    rolled_back_at      timestamptz,
    started_at          timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0
);

CREATE TABLE breed (
    id          serial PRIMARY KEY,
    name        varchar(80) NOT NULL UNIQUE,
    type        "AnimalType" NOT NULL,
    description text,
    CONSTRAINT breed_name_not_blank CHECK (btrim(name) <> '')
);

CREATE TABLE users (
    id            serial PRIMARY KEY,
    email         email_address NOT NULL UNIQUE,
    display_name  text NOT NULL,
    password_hash text NOT NULL,
    role          "Role" NOT NULL DEFAULT 'USER',
    created_at    timestamp(3) NOT NULL DEFAULT now()
);

CREATE TABLE events (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    position       bigint GENERATED ALWAYS AS IDENTITY,
    aggregate_id   text NOT NULL,
    aggregate_type text NOT NULL,
    type           text NOT NULL,
    version        integer NOT NULL CHECK (version > 0),
    payload        jsonb NOT NULL DEFAULT '{}',
    occurred_at    timestamp(3) NOT NULL DEFAULT now(),
    CONSTRAINT events_aggregate_version_key UNIQUE (aggregate_id, version)
);
CREATE INDEX idx_events_type_occurred_at ON events (type, occurred_at);
CREATE STATISTICS events_type_stats (ndistinct, dependencies) ON aggregate_type, type FROM events;
COMMENT ON TABLE events IS 'Source of truth: one row for everything that happened, never changed';
COMMENT ON COLUMN events.version IS 'Counts from 1 within an aggregate; the unique key is the optimistic lock';

CREATE TABLE animals (
    id            text PRIMARY KEY,
    name          text NOT NULL,
    search_name   text GENERATED ALWAYS AS (lower(name)) STORED,
    type          "AnimalType" NOT NULL,
    breed_id      integer REFERENCES breed (id) ON DELETE SET NULL,
    registered_by integer NOT NULL REFERENCES users (id),
    born_on       date,
    status        text NOT NULL DEFAULT 'available' CHECK (status IN ('available', 'reserved', 'adopted')),
    sponsor_count integer NOT NULL DEFAULT 0 CHECK (sponsor_count >= 0),
    view_count    bigint NOT NULL DEFAULT 0,
    created_at    timestamp(3) NOT NULL DEFAULT now(),
    updated_at    timestamp(3) NOT NULL DEFAULT now()
);
CREATE INDEX idx_animals_name_trgm ON animals USING gin (name gin_trgm_ops);
CREATE INDEX idx_animals_available ON animals (created_at) WHERE status = 'available';
COMMENT ON TABLE animals IS 'Read model: the animals as the events leave them';

-- No column owns this sequence: receipts were numbered before sponsorships had a table.
CREATE SEQUENCE sponsorship_receipt_no START WITH 1000;

CREATE TABLE sponsorships (
    id             text PRIMARY KEY,
    animal_id      text NOT NULL REFERENCES animals (id),
    user_id        integer NOT NULL REFERENCES users (id),
    receipt_no     bigint NOT NULL DEFAULT nextval('sponsorship_receipt_no'::regclass),
    amount_monthly numeric(8, 2) NOT NULL CHECK (amount_monthly > 0),
    active         boolean NOT NULL DEFAULT true,
    started_at     timestamp(3) NOT NULL DEFAULT now()
);
CREATE INDEX idx_sponsorships_animal_id ON sponsorships (animal_id);
COMMENT ON TABLE sponsorships IS 'Read model: who pays for which animal';

-- Names no table: nothing to do when tables move.
CREATE FUNCTION animal_age(born date, at_day date) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS 'SELECT extract(year FROM age(at_day, born))::integer';

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- Unqualified names: found through search_path.
CREATE FUNCTION sponsorship_total(p_animal text) RETURNS numeric
    LANGUAGE sql STABLE
    AS 'SELECT coalesce(sum(amount_monthly), 0) FROM sponsorships WHERE animal_id = p_animal AND active';

CREATE FUNCTION append_event(p_aggregate text, p_kind text, p_type text, p_expected integer, p_payload jsonb)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    found_version integer;
BEGIN
    SELECT coalesce(max(version), 0) INTO found_version FROM events WHERE aggregate_id = p_aggregate;
    IF found_version <> p_expected THEN
        RAISE EXCEPTION 'stale version of %: expected %, found %', p_aggregate, p_expected, found_version
            USING ERRCODE = 'serialization_failure';
    END IF;
    INSERT INTO events (aggregate_id, aggregate_type, type, version, payload)
    VALUES (p_aggregate, p_kind, p_type, p_expected + 1, p_payload);
    RETURN p_expected + 1;
END
$$;

CREATE FUNCTION count_sponsors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') AND OLD.active THEN
        UPDATE animals SET sponsor_count = sponsor_count - 1 WHERE id = OLD.animal_id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') AND NEW.active THEN
        UPDATE animals SET sponsor_count = sponsor_count + 1 WHERE id = NEW.animal_id;
    END IF;
    RETURN NULL;
END
$$;

-- Names the old schema, and TRUNCATE does not work on a view either.
CREATE FUNCTION rebuild_read_models() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    rebuilt bigint;
BEGIN
    TRUNCATE public.sponsorships, public.animals;
    INSERT INTO public.animals (id, name, type, breed_id, registered_by, born_on)
    SELECT aggregate_id, payload ->> 'name', (payload ->> 'type')::public."AnimalType",
           (payload ->> 'breed')::integer, (payload ->> 'by')::integer, (payload ->> 'born')::date
      FROM public.events WHERE type = 'AnimalCreated' ORDER BY position;
    GET DIAGNOSTICS rebuilt = ROW_COUNT;
    INSERT INTO public.sponsorships (id, animal_id, user_id, amount_monthly)
    SELECT aggregate_id, payload ->> 'animal', (payload ->> 'by')::integer, (payload ->> 'amount')::numeric
      FROM public.events WHERE type = 'SponsorshipStarted' ORDER BY position;
    RETURN rebuilt;
END
$$;

-- The name is inside a string that is run later.
CREATE FUNCTION events_since(p_day date) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM public.events WHERE occurred_at >= $1' INTO answer USING p_day;
    RETURN answer;
END
$$;

CREATE VIEW animal_overview AS
    SELECT a.id, a.name, a.type, b.name AS breed, a.status, a.sponsor_count
      FROM animals a LEFT JOIN breed b ON b.id = a.breed_id;
CREATE MATERIALIZED VIEW breed_popularity AS
    SELECT b.id, b.name, count(a.id) AS animals, coalesce(sum(a.sponsor_count), 0) AS sponsors
      FROM breed b LEFT JOIN animals a ON a.breed_id = b.id
     GROUP BY b.id, b.name
    WITH NO DATA;
CREATE UNIQUE INDEX breed_popularity_id ON breed_popularity (id);

ALTER TABLE sponsorships ENABLE ROW LEVEL SECURITY;
CREATE POLICY sponsorships_app ON sponsorships TO hauspet_app USING (true) WITH CHECK (true);
CREATE POLICY sponsorships_report ON sponsorships FOR SELECT TO hauspet_report USING (active);

GRANT USAGE ON SCHEMA public TO hauspet_app, hauspet_report;
GRANT SELECT, INSERT, UPDATE, DELETE ON breed, users, events, animals, sponsorships TO hauspet_app;
GRANT SELECT ON "_prisma_migrations", animal_overview, breed_popularity TO hauspet_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO hauspet_app;
GRANT SELECT ON breed, animals, sponsorships, animal_overview, breed_popularity TO hauspet_report;
GRANT SELECT (id, display_name, role) ON users TO hauspet_report;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO hauspet_report;

INSERT INTO "_prisma_migrations" (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
SELECT md5('migration ' || n)::uuid::text, md5('a' || n) || md5('b' || n),
       timestamptz '2025-01-06 08:00:01+00' + n * interval '7 days',
       (ARRAY['20250106080000_init', '20250113080000_read_models', '20250120080000_users'])[n],
       timestamptz '2025-01-06 08:00:00+00' + n * interval '7 days', 1
  FROM generate_series(1, 3) AS n;

INSERT INTO breed (name, type)
SELECT names[n], (CASE WHEN n <= 5 THEN 'DOG' WHEN n <= 9 THEN 'CAT' WHEN n <= 11 THEN 'RABBIT' ELSE 'BIRD' END)::"AnimalType"
  FROM (SELECT ARRAY['Beagle', 'Boxer', 'Collie', 'Poodle', 'Whippet', 'Birman', 'Korat', 'Persian', 'Siamese',
                     'Angora', 'Rex', 'Budgerigar', 'Canary'] AS names) AS list, generate_series(1, 13) AS n;

INSERT INTO users (email, display_name, password_hash, role, created_at)
VALUES ('keeper@hauspet.example', 'Keeper', 'not-a-real-hash', 'ADMIN', '2025-01-06 09:00');

INSERT INTO animals (id, name, type, breed_id, registered_by, born_on, status, sponsor_count, created_at, updated_at)
SELECT 'animal-' || n,
       (ARRAY['Mia', 'Rex', 'Luna', 'Otto', 'Nala', 'Bruno', 'Kiwi', 'Balu', 'Hops', 'Coco', 'Fips'])[n],
       b.type, b.id, 1, date '2020-03-01' + n * 45,
       CASE WHEN n % 4 = 0 THEN 'reserved' ELSE 'available' END, CASE WHEN n IN (3, 6) THEN 1 ELSE 0 END,
       timestamp '2025-01-07 10:00' + n * interval '1 hour', timestamp '2025-01-07 10:00' + n * interval '1 hour'
  FROM generate_series(1, 11) AS n JOIN breed b ON b.id = n;

INSERT INTO sponsorships (id, animal_id, user_id, amount_monthly, started_at)
SELECT 'sponsorship-' || n, 'animal-' || (n * 3), 1, 12.50 * n, timestamp '2025-02-01 12:00' + n * interval '1 day'
  FROM generate_series(1, 2) AS n;

-- 15 events: one for each of the 11 animals, two for each of the 2 sponsorships.
INSERT INTO events (id, aggregate_id, aggregate_type, type, version, payload, occurred_at)
SELECT md5('event ' || id)::uuid, id, 'animal', 'AnimalCreated', 1,
       jsonb_build_object('name', name, 'type', type, 'breed', breed_id, 'by', registered_by, 'born', born_on), created_at
  FROM animals ORDER BY created_at;
INSERT INTO events (id, aggregate_id, aggregate_type, type, version, payload, occurred_at)
SELECT md5('event ' || s.id || step)::uuid, s.id, 'sponsorship',
       (ARRAY['SponsorshipStarted', 'PaymentReceived'])[step], step,
       jsonb_build_object('animal', s.animal_id, 'by', s.user_id, 'amount', s.amount_monthly),
       s.started_at + (step - 1) * interval '5 minutes'
  FROM sponsorships s, generate_series(1, 2) AS step ORDER BY s.started_at, step;

-- After the data, so that a load gives the same rows every time.
CREATE TRIGGER animals_touch BEFORE UPDATE ON animals FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER sponsorships_count AFTER INSERT OR UPDATE OR DELETE ON sponsorships
    FOR EACH ROW EXECUTE FUNCTION count_sponsors();

REFRESH MATERIALIZED VIEW breed_popularity;
ANALYZE breed, users, events, animals, sponsorships;
