-- The view under the old name has the table's rights: with grant options, on columns, of PUBLIC, and none that default
-- privileges would add.
CREATE TABLE plain (id integer PRIMARY KEY, a text, b text);
CREATE TABLE parts (id integer PRIMARY KEY, a text, b text);
CREATE TABLE closed (id integer PRIMARY KEY);
ALTER TABLE plain OWNER TO case_owner;
GRANT SELECT ON plain TO PUBLIC;
GRANT INSERT, UPDATE ON plain TO case_app WITH GRANT OPTION;
GRANT DELETE, TRUNCATE, REFERENCES, TRIGGER ON plain TO case_app;
GRANT SELECT (id, a), UPDATE (a) ON parts TO case_reader;
GRANT INSERT (id) ON parts TO case_app WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO case_other;
INSERT INTO plain VALUES (1, 'a', 'b');
INSERT INTO parts VALUES (1, 'a', 'b');
