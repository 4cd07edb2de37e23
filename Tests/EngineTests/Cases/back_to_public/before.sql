-- A table can come back to public: it is found under its old name there through a view in the schema it leaves.
CREATE SCHEMA away;
CREATE TABLE away.tags (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE items (id integer PRIMARY KEY, tag integer REFERENCES away.tags);
CREATE FUNCTION away.tag_count() RETURNS bigint LANGUAGE sql STABLE SET search_path = away AS 'SELECT count(*) FROM tags';
INSERT INTO away.tags (name) VALUES ('a');
