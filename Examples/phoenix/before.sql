-- Project Phoenix before the move. Almost everything is in public; the names that could not be there twice
-- ("groups" and "settings") were parked in two more schemas, legacy and app.
-- Plain SQL only (no psql commands), deterministic data, so that it loads through psql and through libpq alike.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['phoenix_owner', 'phoenix_app', 'phoenix_teacher', 'phoenix_admin'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I %s', wanted, CASE wanted WHEN 'phoenix_owner' THEN 'NOLOGIN' ELSE 'LOGIN' END);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another session loaded the same file at the same moment
        END;
    END LOOP;
END
$$;

CREATE SCHEMA legacy;
CREATE SCHEMA app;
CREATE TYPE attendance_status AS ENUM ('present', 'late', 'excused', 'absent');
CREATE DOMAIN short_name AS varchar(255) CHECK (btrim(VALUE) <> '');

-- Accounts and what they may do.
CREATE TABLE accounts (
    id            bigserial PRIMARY KEY,
    email         varchar(255) NOT NULL UNIQUE,
    password_hash text NOT NULL,
    active        boolean NOT NULL DEFAULT true,
    login_count   bigint NOT NULL DEFAULT 0,
    created_at    timestamp DEFAULT now(),
    updated_at    timestamp DEFAULT now()
);
CREATE TABLE tokens (
    id         bigserial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token      varchar(64) NOT NULL UNIQUE,
    expires_at timestamp NOT NULL,
    created_at timestamp DEFAULT now()
);
CREATE TABLE roles (id bigserial PRIMARY KEY, name short_name NOT NULL UNIQUE, created_at timestamp DEFAULT now());
CREATE TABLE permissions (
    id       bigserial PRIMARY KEY,
    resource varchar(60) NOT NULL,
    action   varchar(60) NOT NULL,
    UNIQUE (resource, action)
);
CREATE TABLE role_permissions (
    role_id       bigint NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    permission_id bigint NOT NULL REFERENCES permissions (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);

-- Buildings and rooms.
CREATE TABLE locations (
    id bigserial PRIMARY KEY, name short_name NOT NULL,
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180)
);
CREATE TABLE buildings (
    id bigserial PRIMARY KEY, name short_name NOT NULL UNIQUE,
    location_id bigint REFERENCES locations (id)
);
CREATE TABLE rooms (
    id          bigserial PRIMARY KEY,
    name        short_name NOT NULL UNIQUE,
    building_id bigint REFERENCES buildings (id),
    capacity    integer NOT NULL DEFAULT 30 CHECK (capacity > 0)
);

-- School groups. Their key to rooms exists once: the seed would have added it a second time.
CREATE TABLE groups (
    id         bigserial PRIMARY KEY,
    name       varchar(255) NOT NULL,
    room_id    bigint CONSTRAINT fk_room REFERENCES rooms (id),
    created_at timestamp DEFAULT now()
);

-- People.
CREATE TABLE rfid_cards (
    id varchar(32) PRIMARY KEY CHECK (id ~ '^[0-9A-F]+$'),
    active boolean NOT NULL DEFAULT true, created_at timestamp DEFAULT now()
);
CREATE TABLE persons (
    id         bigserial PRIMARY KEY,
    first_name varchar(100) NOT NULL,
    last_name  varchar(100) NOT NULL,
    full_name  text GENERATED ALWAYS AS (first_name || ' ' || last_name) STORED,
    account_id bigint UNIQUE REFERENCES accounts (id) ON DELETE SET NULL,
    tag_id     varchar(32) UNIQUE REFERENCES rfid_cards (id) ON DELETE SET NULL,
    updated_at timestamp DEFAULT now()
);
CREATE TABLE staff (
    id bigserial PRIMARY KEY,
    person_id bigint NOT NULL UNIQUE REFERENCES persons (id) ON DELETE CASCADE,
    notes text
);
CREATE TABLE teachers (
    id bigserial PRIMARY KEY,
    staff_id bigint NOT NULL UNIQUE REFERENCES staff (id) ON DELETE CASCADE,
    subject varchar(60) NOT NULL
);
CREATE TABLE students (
    id        bigserial PRIMARY KEY,
    person_id bigint NOT NULL UNIQUE REFERENCES persons (id) ON DELETE CASCADE,
    group_id  bigint CONSTRAINT fk_group REFERENCES groups (id),
    grade     smallint NOT NULL CHECK (grade BETWEEN 1 AND 13)
);
CREATE TABLE guardians (
    id bigserial PRIMARY KEY,
    person_id bigint NOT NULL UNIQUE REFERENCES persons (id) ON DELETE CASCADE,
    phone varchar(40)
);
CREATE TABLE student_guardians (
    student_id   bigint NOT NULL REFERENCES students (id) ON DELETE CASCADE,
    guardian_id  bigint NOT NULL REFERENCES guardians (id) ON DELETE CASCADE,
    relationship varchar(40) NOT NULL DEFAULT 'parent',
    PRIMARY KEY (student_id, guardian_id)
);
CREATE TABLE privacy_consents (
    id                  bigserial PRIMARY KEY,
    student_id          bigint NOT NULL UNIQUE REFERENCES students (id) ON DELETE CASCADE,
    accepted            boolean NOT NULL DEFAULT false,
    data_retention_days integer NOT NULL DEFAULT 30 CHECK (data_retention_days BETWEEN 1 AND 31)
);
CREATE TABLE legacy.settings (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES public.persons (id) ON DELETE CASCADE,
    key varchar(60) NOT NULL, value jsonb NOT NULL, UNIQUE (person_id, key)
);
COMMENT ON TABLE legacy.settings IS 'Settings of one person; the table public.settings has those of the system';

-- Education: who teaches which group, and who stands in.
CREATE TABLE group_teacher (
    group_id   bigint NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    teacher_id bigint NOT NULL REFERENCES teachers (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, teacher_id)
);
CREATE TABLE group_substitution (
    id bigserial PRIMARY KEY,
    group_id bigint NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    substitute_id bigint NOT NULL REFERENCES staff (id),
    start_date date NOT NULL, end_date date NOT NULL, reason text,
    CHECK (end_date >= start_date)
);

-- Time.
CREATE TABLE timeframes (
    id bigserial PRIMARY KEY, start_time time NOT NULL, end_time time NOT NULL, description text,
    CHECK (end_time > start_time)
);
CREATE TABLE dateframes (
    id bigserial PRIMARY KEY, name short_name NOT NULL, start_date date NOT NULL, end_date date NOT NULL,
    CHECK (end_date >= start_date)
);
CREATE TABLE recurrence_patterns (
    id bigserial PRIMARY KEY, frequency varchar(20) NOT NULL CHECK (frequency IN ('daily', 'weekly', 'monthly')),
    interval_count integer NOT NULL DEFAULT 1 CHECK (interval_count > 0), weekdays text[]
);
CREATE TABLE class_schedules (
    id bigserial PRIMARY KEY,
    group_id bigint NOT NULL REFERENCES groups (id),
    room_id bigint NOT NULL REFERENCES rooms (id),
    timeframe_id bigint NOT NULL REFERENCES timeframes (id),
    dateframe_id bigint REFERENCES dateframes (id),
    recurrence_id bigint REFERENCES recurrence_patterns (id)
);

-- Activities.
CREATE TABLE categories (
    id bigserial PRIMARY KEY, name short_name NOT NULL UNIQUE, color varchar(7) CHECK (color ~ '^#[0-9a-f]{6}$')
);
CREATE TABLE activities (
    id bigserial PRIMARY KEY, name short_name NOT NULL,
    category_id bigint NOT NULL REFERENCES categories (id),
    created_by bigint REFERENCES staff (id),
    planned_room_id bigint REFERENCES rooms (id),
    max_participants integer NOT NULL DEFAULT 20
);
CREATE TABLE app.groups (
    id bigserial PRIMARY KEY, name varchar(255) NOT NULL,
    activity_id bigint NOT NULL REFERENCES public.activities (id) ON DELETE CASCADE,
    timeframe_id bigint REFERENCES public.timeframes (id)
);
COMMENT ON TABLE app.groups IS 'One run of an activity: a club on Monday and the same club on Thursday are two';
CREATE TABLE enrollments (
    id bigserial PRIMARY KEY,
    student_id bigint NOT NULL REFERENCES students (id) ON DELETE CASCADE,
    activity_group_id bigint NOT NULL REFERENCES app.groups (id) ON DELETE CASCADE,
    enrolled_on date NOT NULL DEFAULT current_date, UNIQUE (student_id, activity_group_id)
);

-- Devices.
CREATE TABLE devices (
    id bigserial PRIMARY KEY, device_id varchar(60) NOT NULL UNIQUE,
    device_type varchar(30) NOT NULL CHECK (device_type IN ('rfid_reader', 'tablet')),
    room_id bigint REFERENCES rooms (id), last_seen timestamp, ping_count bigint NOT NULL DEFAULT 0
);

-- What is going on right now: written every few seconds.
CREATE TABLE legacy.groups (
    id                 bigserial PRIMARY KEY,
    education_group_id bigint REFERENCES public.groups (id),
    activity_id        bigint REFERENCES public.activities (id),
    activity_group_id  bigint REFERENCES app.groups (id),
    room_id            bigint NOT NULL REFERENCES public.rooms (id),
    device_id          bigint REFERENCES public.devices (id),
    timeframe_id       bigint REFERENCES public.timeframes (id),
    start_time         timestamp NOT NULL DEFAULT now(),
    end_time           timestamp,
    last_activity      timestamp NOT NULL DEFAULT now(),
    CHECK (end_time IS NULL OR end_time >= start_time)
);
CREATE INDEX idx_active_groups_education_group_id ON legacy.groups (education_group_id);
COMMENT ON TABLE legacy.groups IS 'Sessions that are running: a school group or an activity in a room';
CREATE TABLE visits (
    id            bigserial PRIMARY KEY,
    student_id    bigint NOT NULL REFERENCES students (id) ON DELETE CASCADE,
    active_group_id bigint NOT NULL REFERENCES legacy.groups (id),
    checked_in_by bigint REFERENCES staff (id),
    device_id     bigint REFERENCES devices (id),
    rfid_card_id  varchar(32) REFERENCES rfid_cards (id),
    entry_time    timestamp NOT NULL DEFAULT now(),
    exit_time     timestamp,
    created_at    timestamp NOT NULL DEFAULT now(),
    CHECK (exit_time IS NULL OR exit_time >= entry_time)
);
CREATE INDEX idx_active_visits_student_id ON visits (student_id);
CREATE STATISTICS visits_student_group (ndistinct) ON student_id, active_group_id FROM visits;
CREATE TABLE group_supervisors (
    id bigserial PRIMARY KEY,
    active_group_id bigint NOT NULL REFERENCES legacy.groups (id) ON DELETE CASCADE,
    staff_id bigint NOT NULL REFERENCES staff (id),
    assigned_by bigint REFERENCES accounts (id),
    substitution_id bigint REFERENCES group_substitution (id),
    start_date date NOT NULL DEFAULT current_date, UNIQUE (active_group_id, staff_id)
);
CREATE TABLE attendance (
    id bigserial PRIMARY KEY,
    student_id bigint NOT NULL REFERENCES students (id) ON DELETE CASCADE,
    day date NOT NULL, status attendance_status NOT NULL DEFAULT 'present',
    check_in_time timestamp, check_out_time timestamp,
    checked_in_by bigint REFERENCES staff (id),
    checked_out_by bigint REFERENCES staff (id),
    device_id bigint REFERENCES devices (id),
    class_schedule_id bigint REFERENCES class_schedules (id),
    UNIQUE (student_id, day)
);
CREATE TABLE device_logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id bigint NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    active_group_id bigint REFERENCES legacy.groups (id) ON DELETE SET NULL,
    message text NOT NULL, logged_at timestamp NOT NULL DEFAULT now()
);

-- Feedback, configuration, audit.
CREATE TABLE entries (
    id bigserial PRIMARY KEY, student_id bigint NOT NULL REFERENCES students (id) ON DELETE CASCADE,
    rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5), body text, created_at timestamp DEFAULT now()
);
CREATE TABLE comments (
    id bigserial PRIMARY KEY, entry_id bigint NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    author_id bigint NOT NULL REFERENCES accounts (id), body text NOT NULL
);
CREATE TABLE settings (
    id bigserial PRIMARY KEY, key varchar(60) NOT NULL UNIQUE, value jsonb NOT NULL, updated_at timestamp DEFAULT now()
);
CREATE TABLE feature_flags (
    id bigserial PRIMARY KEY, name short_name NOT NULL UNIQUE, enabled boolean NOT NULL DEFAULT false
);
CREATE SEQUENCE deletion_case_no START WITH 500;
-- entity_id has no key to anything: the record has to outlive what was deleted.
CREATE TABLE data_deletions (
    id bigserial PRIMARY KEY,
    entity_type varchar(255) NOT NULL,
    entity_id bigint NOT NULL,
    deleted_by bigint NOT NULL REFERENCES accounts (id),
    deleted_at timestamp DEFAULT now(),
    reason text
);
COMMENT ON COLUMN data_deletions.deleted_by IS 'Account that deleted; that account cannot be deleted afterwards';
CREATE TABLE auth_events (
    id bigserial PRIMARY KEY, event_type varchar(40) NOT NULL,
    account_id bigint REFERENCES accounts (id), token_id bigint REFERENCES tokens (id) ON DELETE SET NULL,
    device_id bigint REFERENCES devices (id), address inet, created_at timestamp NOT NULL DEFAULT now()
);

-- Functions: some name no table, some rely on search_path, some name the schema a table was in.
CREATE FUNCTION visit_minutes(entry_at timestamp, exit_at timestamp) RETURNS integer
    LANGUAGE sql IMMUTABLE AS 'SELECT (extract(epoch FROM exit_at - entry_at) / 60)::integer';
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE FUNCTION active_accounts() RETURNS bigint LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT count(*) FROM accounts WHERE active;
    END;

CREATE FUNCTION student_full_name(p_student bigint) RETURNS text LANGUAGE sql STABLE
    AS 'SELECT p.full_name FROM students s JOIN persons p ON p.id = s.person_id WHERE s.id = p_student';
-- "groups" is the school group here, because public came first; a path with active in front would mean another table.
CREATE FUNCTION group_presence(p_group bigint) RETURNS TABLE (group_name text, inside bigint) LANGUAGE sql STABLE AS $$
    SELECT g.name::text, count(v.id)
      FROM groups g LEFT JOIN students s ON s.group_id = g.id
           LEFT JOIN visits v ON v.student_id = s.id AND v.exit_time IS NULL
     WHERE g.id = p_group GROUP BY g.name
$$;
CREATE FUNCTION setting_value(p_key text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT value FROM settings WHERE key = p_key);
END
$$;
CREATE FUNCTION check_in(p_student bigint, p_session bigint, p_device bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    new_visit visits%ROWTYPE;
BEGIN
    UPDATE visits SET exit_time = now() WHERE student_id = p_student AND exit_time IS NULL;
    INSERT INTO visits (student_id, active_group_id, device_id) VALUES (p_student, p_session, p_device)
    RETURNING * INTO new_visit;
    INSERT INTO attendance (student_id, day, check_in_time, device_id) VALUES (p_student, current_date, now(), p_device)
    ON CONFLICT (student_id, day) DO NOTHING;
    RETURN new_visit.id;
END
$$;
CREATE FUNCTION log_device_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE devices SET last_seen = now(), ping_count = ping_count + 1 WHERE id = NEW.device_id;
    RETURN NEW;
END
$$;

CREATE FUNCTION close_idle_sessions(p_before timestamp) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    closed bigint;
BEGIN
    UPDATE legacy.groups SET end_time = last_activity WHERE end_time IS NULL AND last_activity < p_before;
    GET DIAGNOSTICS closed = ROW_COUNT;
    RETURN closed;
END
$$;
CREATE FUNCTION room_occupancy(p_room bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM public.visits v JOIN legacy.groups g ON g.id = v.active_group_id
     WHERE g.room_id = p_room AND v.exit_time IS NULL
$$;
CREATE FUNCTION purge_visits(p_account bigint, p_today date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    purged bigint;
BEGIN
    WITH gone AS (
        DELETE FROM public.visits v
         WHERE v.exit_time IS NOT NULL
           AND v.created_at < p_today - make_interval(days => coalesce(
               (SELECT c.data_retention_days FROM public.privacy_consents c WHERE c.student_id = v.student_id), 30))
        RETURNING v.id
    )
    INSERT INTO public.data_deletions (entity_type, entity_id, deleted_by, reason)
    SELECT 'Visit', id, p_account, 'retention, case ' || nextval('public.deletion_case_no') FROM gone;
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

CREATE VIEW supervisor_dashboard AS
    SELECT g.id AS session_id, r.name AS room, e.name AS school_group, count(v.id) AS students_inside
      FROM legacy.groups g JOIN rooms r ON r.id = g.room_id
           LEFT JOIN groups e ON e.id = g.education_group_id
           LEFT JOIN visits v ON v.active_group_id = g.id AND v.exit_time IS NULL
     WHERE g.end_time IS NULL GROUP BY g.id, r.name, e.name;
CREATE MATERIALIZED VIEW visits_per_day AS
    SELECT created_at::date AS day, count(*) AS visits FROM visits GROUP BY created_at::date WITH NO DATA;
CREATE UNIQUE INDEX visits_per_day_day ON visits_per_day (day);

ALTER TABLE students ENABLE ROW LEVEL SECURITY;
CREATE POLICY students_app ON students TO phoenix_app USING (true) WITH CHECK (true);
CREATE POLICY students_teacher ON students FOR SELECT TO phoenix_teacher USING (group_id IS NOT NULL);

-- A role of its own owns the tables: referential checks run with its rights.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS name, c.relkind FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'legacy', 'app') AND c.relkind IN ('r', 'v', 'm')
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO phoenix_owner',
                       CASE found.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, found.name);
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA public, legacy, app TO phoenix_owner, phoenix_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, legacy, app TO phoenix_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public, legacy, app TO phoenix_app;
GRANT SELECT ON groups, group_teacher, group_substitution, rooms, buildings, locations TO phoenix_teacher;
GRANT SELECT ON data_deletions, auth_events TO phoenix_admin;

-- Data.
INSERT INTO accounts (email, password_hash, created_at, updated_at)
SELECT 'person' || n || '@phoenix.example', md5('hash ' || n), timestamp '2024-08-01' + n * interval '1 hour', timestamp '2024-08-01'
  FROM generate_series(1, 60) AS n;
INSERT INTO tokens (account_id, token, expires_at, created_at)
SELECT 1 + n % 60, md5('a' || n) || md5('b' || n), timestamp '2025-12-01' + n * interval '1 hour', timestamp '2025-03-01'
  FROM generate_series(1, 120) AS n;
INSERT INTO roles (name, created_at)
SELECT name, timestamp '2024-08-01' FROM unnest(ARRAY['admin', 'teacher', 'staff', 'guardian', 'device']) AS name;
INSERT INTO permissions (resource, action)
SELECT resource, action
  FROM unnest(ARRAY['students', 'groups', 'rooms', 'visits', 'settings']) AS resource, unnest(ARRAY['read', 'create', 'update', 'delete']) AS action;
INSERT INTO role_permissions (role_id, permission_id)
SELECT r, p FROM generate_series(1, 5) AS r, generate_series(1, 20) AS p WHERE p % r = 0;
INSERT INTO locations (name, latitude, longitude) VALUES ('North campus', 52.52, 13.40), ('South campus', 48.14, 11.58);
INSERT INTO buildings (name, location_id) SELECT 'Building ' || n, 1 + n % 2 FROM generate_series(1, 4) AS n;
INSERT INTO rooms (name, building_id, capacity) SELECT 'Room ' || n, 1 + n % 4, 15 + n % 20 FROM generate_series(1, 30) AS n;
INSERT INTO groups (name, room_id, created_at) SELECT 'Class ' || n, n, timestamp '2024-08-15' FROM generate_series(1, 12) AS n;
INSERT INTO rfid_cards (id, created_at) SELECT upper(md5('card ' || n)), timestamp '2024-08-20' FROM generate_series(1, 300) AS n;
INSERT INTO persons (first_name, last_name, account_id, tag_id, updated_at)
SELECT 'First' || n, 'Last' || n % 97, CASE WHEN n <= 60 THEN n END,
       CASE WHEN n <= 300 THEN upper(md5('card ' || n)) END, timestamp '2024-08-20'
  FROM generate_series(1, 500) AS n;
INSERT INTO staff (person_id) SELECT generate_series(1, 40);
INSERT INTO teachers (staff_id, subject)
SELECT n, (ARRAY['Maths', 'German', 'English', 'Music', 'Sport'])[1 + n % 5] FROM generate_series(1, 25) AS n;
INSERT INTO students (person_id, group_id, grade) SELECT 60 + n, 1 + n % 12, 1 + n % 13 FROM generate_series(1, 240) AS n;
INSERT INTO guardians (person_id, phone) SELECT 300 + n, '+49 30 ' || 10000 + n FROM generate_series(1, 200) AS n;
INSERT INTO student_guardians (student_id, guardian_id) SELECT n, 1 + n % 200 FROM generate_series(1, 240) AS n;
INSERT INTO privacy_consents (student_id, accepted, data_retention_days)
SELECT n, true, 1 + n % 31 FROM generate_series(1, 200) AS n;
INSERT INTO legacy.settings (person_id, key, value) SELECT n, 'language', to_jsonb('de'::text) FROM generate_series(1, 60) AS n;
INSERT INTO group_teacher (group_id, teacher_id) SELECT 1 + n % 12, n FROM generate_series(1, 25) AS n;
INSERT INTO group_substitution (group_id, substitute_id, start_date, end_date, reason)
SELECT 1 + n % 12, 30 + n % 10, date '2025-03-01' + n, date '2025-03-03' + n, 'ill' FROM generate_series(1, 20) AS n;
INSERT INTO timeframes (start_time, end_time, description)
SELECT time '08:00' + n * interval '45 minutes', time '08:45' + n * interval '45 minutes', 'Lesson ' || n + 1 FROM generate_series(0, 9) AS n;
INSERT INTO dateframes (name, start_date, end_date)
VALUES ('Term 1', '2024-08-19', '2025-01-31'), ('Term 2', '2025-02-10', '2025-07-18');
INSERT INTO recurrence_patterns (frequency, weekdays) VALUES ('weekly', '{mon,wed}'), ('weekly', '{tue,thu}'), ('daily', NULL);
INSERT INTO class_schedules (group_id, room_id, timeframe_id, dateframe_id, recurrence_id)
SELECT 1 + n % 12, 1 + n % 30, 1 + n % 10, 1 + n % 2, 1 + n % 3 FROM generate_series(1, 60) AS n;
INSERT INTO categories (name, color) VALUES ('Sport', '#aa0000'), ('Music', '#00aa00'), ('Crafts', '#0000aa');
INSERT INTO activities (name, category_id, created_by, planned_room_id)
SELECT 'Activity ' || n, 1 + n % 3, 1 + n % 40, 1 + n % 30 FROM generate_series(1, 15) AS n;
INSERT INTO app.groups (name, activity_id, timeframe_id)
SELECT 'Activity ' || 1 + n % 15 || ', run ' || n, 1 + n % 15, 1 + n % 10 FROM generate_series(1, 25) AS n;
INSERT INTO enrollments (student_id, activity_group_id, enrolled_on)
SELECT n, 1 + n % 25, date '2025-02-10' FROM generate_series(1, 180) AS n;
INSERT INTO devices (device_id, device_type, room_id)
SELECT 'device-' || n, CASE WHEN n % 3 = 0 THEN 'tablet' ELSE 'rfid_reader' END, n FROM generate_series(1, 30) AS n;
INSERT INTO legacy.groups (education_group_id, activity_id, activity_group_id, room_id, device_id, timeframe_id, start_time, end_time, last_activity)
SELECT CASE WHEN n % 2 = 0 THEN 1 + n % 12 END, CASE WHEN n % 2 = 1 THEN 1 + n % 15 END, CASE WHEN n % 2 = 1 THEN 1 + n % 25 END,
       1 + n % 30, 1 + n % 30, 1 + n % 10, timestamp '2025-03-03 08:00' + n * interval '45 minutes',
       CASE WHEN n <= 60 THEN timestamp '2025-03-03 08:40' + n * interval '45 minutes' END,
       timestamp '2025-03-03 08:40' + n * interval '45 minutes'
  FROM generate_series(1, 80) AS n;
INSERT INTO visits (student_id, active_group_id, checked_in_by, device_id, rfid_card_id, entry_time, exit_time, created_at)
SELECT 1 + n % 240, 1 + n % 80, 1 + n % 40, 1 + n % 30, upper(md5('card ' || 1 + n % 300)),
       timestamp '2025-03-03 08:00' + n * interval '20 minutes',
       CASE WHEN n % 10 <> 0 THEN timestamp '2025-03-03 08:35' + n * interval '20 minutes' END,
       timestamp '2025-03-03 08:00' + n * interval '20 minutes'
  FROM generate_series(1, 4000) AS n;
INSERT INTO group_supervisors (active_group_id, staff_id, assigned_by, substitution_id, start_date)
SELECT n, 1 + n % 40, 1 + n % 60, CASE WHEN n % 8 = 0 THEN 1 + n % 20 END, date '2025-03-03' FROM generate_series(1, 80) AS n;
INSERT INTO attendance (student_id, day, status, check_in_time, checked_in_by, checked_out_by, device_id, class_schedule_id)
SELECT s, date '2025-03-03' + d, (ARRAY['present', 'present', 'late', 'excused', 'absent'])[1 + (s + d) % 5]::attendance_status,
       timestamp '2025-03-03 07:55' + d * interval '1 day', 1 + s % 40, 1 + (s + d) % 40, 1 + s % 30, 1 + s % 60
  FROM generate_series(1, 240) AS s, generate_series(0, 4) AS d;
INSERT INTO device_logs (device_id, active_group_id, message, logged_at)
SELECT 1 + n % 30, 1 + n % 80, 'started', timestamp '2025-03-03 07:30' + n * interval '1 hour' FROM generate_series(1, 90) AS n;
INSERT INTO entries (student_id, rating, body, created_at)
SELECT n, 1 + n % 5, 'Feedback ' || n, timestamp '2025-03-10' FROM generate_series(1, 50) AS n;
INSERT INTO comments (entry_id, author_id, body) SELECT n, 1 + n % 60, 'Thank you' FROM generate_series(1, 30) AS n;
INSERT INTO settings (key, value, updated_at)
SELECT 'setting.' || n, to_jsonb(n), timestamp '2025-01-01' FROM generate_series(1, 20) AS n;
INSERT INTO feature_flags (name, enabled) VALUES ('rfid', true), ('guardian_app', false), ('night_mode', false);
INSERT INTO data_deletions (entity_type, entity_id, deleted_by, deleted_at, reason)
SELECT 'Visit', 100000 + n, 1, timestamp '2025-02-01' + n * interval '1 day', 'retention' FROM generate_series(1, 25) AS n;
INSERT INTO auth_events (event_type, account_id, token_id, device_id, address, created_at)
SELECT 'login', 1 + n % 60, 1 + n % 120, CASE WHEN n % 5 = 0 THEN 1 + n % 30 END, '192.0.2.7', timestamp '2025-03-01' + n * interval '1 minute'
  FROM generate_series(1, 200) AS n;

-- After the data, so that a load gives the same rows every time.
CREATE TRIGGER accounts_updated BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER persons_updated BEFORE UPDATE ON persons FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER settings_updated BEFORE UPDATE ON settings FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER visits_log AFTER INSERT ON visits FOR EACH ROW WHEN (NEW.device_id IS NOT NULL)
    EXECUTE FUNCTION log_device_use();

REFRESH MATERIALIZED VIEW visits_per_day;
ANALYZE;
