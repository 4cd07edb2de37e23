-- What a body does by name that no compatibility view carries, and what cannot be known from its text.
CREATE TABLE items (id integer PRIMARY KEY, name text, CONSTRAINT items_name_key UNIQUE (name));
CREATE TABLE kept (id integer PRIMARY KEY);
CREATE FUNCTION leans() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.items';
CREATE FUNCTION truncates() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE public.items;
END
$$;
CREATE FUNCTION on_constraint() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.items VALUES (1, 'a')
    ON CONFLICT ON CONSTRAINT items_name_key DO NOTHING;
END
$$;
CREATE FUNCTION row_type() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found_item public.items%ROWTYPE;
BEGIN
    SELECT * INTO found_item FROM public.items LIMIT 1;
    RETURN found_item.name;
END
$$;
CREATE FUNCTION takes_row(item items) RETURNS text LANGUAGE sql AS 'SELECT item.name';
CREATE FUNCTION literal_execute() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM public.items' INTO n;
    RETURN n;
END
$$;
CREATE FUNCTION any_table(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I', name);
END
$$;
CREATE FUNCTION value_only(wanted integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'DELETE FROM kept WHERE id = $1' USING wanted;
END
$$;
CREATE FUNCTION bound() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM items; END;
INSERT INTO items VALUES (7, 'seven');
