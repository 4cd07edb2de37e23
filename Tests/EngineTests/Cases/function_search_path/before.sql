-- Bodies that name moved tables without a schema get a search_path; one that has its own gets it back when undone.
CREATE SCHEMA tools;
CREATE TABLE stock (id integer PRIMARY KEY, amount integer NOT NULL);
CREATE TABLE log (id serial PRIMARY KEY, what text);
INSERT INTO stock VALUES (1, 10);
CREATE FUNCTION take(wanted integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    row stock%ROWTYPE;
BEGIN
    UPDATE stock SET amount = amount - 1 WHERE id = wanted RETURNING * INTO row;
    INSERT INTO log (what) VALUES ('taken') ON CONFLICT ON CONSTRAINT log_pkey DO NOTHING;
    RETURN row.amount;
END
$$;
CREATE FUNCTION tools.amount_of(wanted integer) RETURNS integer LANGUAGE sql STABLE SET search_path = public, "tools", pg_temp
    AS 'SELECT amount FROM stock WHERE id = wanted';
CREATE FUNCTION tools.empty_path(wanted integer) RETURNS integer LANGUAGE sql STABLE SET search_path = ''
    AS 'SELECT amount FROM public.stock WHERE id = wanted';
CREATE PROCEDURE clean() LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM log WHERE what = 'taken';
    COMMIT;
END
$$;
CREATE FUNCTION untouched() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (what) VALUES ('changed');
    RETURN NULL;
END
$$;
CREATE TRIGGER changed AFTER UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION note_change();
