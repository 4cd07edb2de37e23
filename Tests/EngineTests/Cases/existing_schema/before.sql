-- A target schema that is there already and belongs to another role: owners still need USAGE of it.
CREATE SCHEMA theirs AUTHORIZATION case_other;
CREATE TABLE bills (id integer PRIMARY KEY);
CREATE TABLE lines (id integer PRIMARY KEY, bill integer REFERENCES bills);
ALTER TABLE bills OWNER TO case_owner;
ALTER TABLE lines OWNER TO case_owner;
GRANT SELECT ON bills TO PUBLIC;
INSERT INTO bills VALUES (1);
