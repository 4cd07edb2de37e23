-- A trigger function that reads TG_TABLE_SCHEMA sees another value.
CREATE TABLE docs (id integer PRIMARY KEY);
CREATE TABLE other (id integer PRIMARY KEY);
CREATE TABLE seen (place text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
    RETURN NULL;
END
$$;
CREATE FUNCTION name_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE DEBUG '%', TG_TABLE_NAME;
    RETURN NULL;
END
$$;
CREATE TRIGGER noted AFTER INSERT ON docs FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER named AFTER INSERT ON docs FOR EACH ROW EXECUTE FUNCTION name_only();
