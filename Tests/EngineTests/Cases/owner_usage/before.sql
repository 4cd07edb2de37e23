-- Referential checks run with the rights of the tables' owners, who need USAGE of the new schemas.
CREATE TABLE parents (id integer PRIMARY KEY);
CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents ON DELETE CASCADE);
ALTER TABLE parents OWNER TO case_owner;
ALTER TABLE children OWNER TO case_other;
GRANT SELECT, REFERENCES ON parents TO case_other;
GRANT DELETE ON children TO case_owner;
GRANT INSERT, SELECT ON children TO case_app;
INSERT INTO parents VALUES (1);
