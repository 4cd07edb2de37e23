-- Functions that move: callers by the old name, overloads of which one stays, rights, defaults, sets, a trigger function
-- and what is bound by OID.
CREATE TABLE notes (id integer PRIMARY KEY, body text, changed integer NOT NULL DEFAULT 0);
INSERT INTO notes VALUES (1, 'one'), (2, 'two');
CREATE FUNCTION body_of(integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT body FROM notes WHERE id = $1';
CREATE FUNCTION body_of(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT body FROM notes WHERE body = $1';
CREATE FUNCTION with_default(a integer, b integer DEFAULT 10) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION all_notes() RETURNS SETOF notes LANGUAGE sql STABLE AS 'SELECT * FROM notes';
CREATE FUNCTION many(VARIADIC integer[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT count(*) FROM unnest($1)';
CREATE FUNCTION guarded() RETURNS integer LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION guarded() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION guarded() TO case_app;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.changed := OLD.changed + 1; RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW shouted AS SELECT id, upper(body_of(id)) AS body FROM notes;
ALTER TABLE notes ADD CONSTRAINT enough CHECK (with_default(changed) >= 10);
CREATE FUNCTION caller() RETURNS integer LANGUAGE sql AS 'SELECT with_default(1)';
