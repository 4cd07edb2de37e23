-- Rights on some columns only: the view under the old name goes by its own grants, and under row security says that it
-- cannot carry them.
CREATE TABLE people (id integer PRIMARY KEY, name text, salary numeric);
CREATE TABLE mine (id integer PRIMARY KEY, who text, secret text);
ALTER TABLE mine ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mine USING (who = current_user);
GRANT SELECT (id, name), INSERT (id, name), UPDATE (name) ON people TO case_app;
GRANT SELECT (id, who) ON mine TO case_app;
GRANT SELECT ON people TO case_reader;
GRANT UPDATE (salary) ON people TO case_reader;
INSERT INTO people VALUES (1, 'A', 10);
INSERT INTO mine VALUES (1, 'case_app', 'x'), (2, 'case_other', 'y');
