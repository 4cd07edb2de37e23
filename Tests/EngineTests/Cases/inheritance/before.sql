-- Children by inheritance stay behind: they follow their parent, one listed elsewhere goes there.
CREATE TABLE people (id integer PRIMARY KEY, name text);
CREATE TABLE staff (salary numeric) INHERITS (people);
CREATE TABLE guests (since date) INHERITS (people);
INSERT INTO people VALUES (1, 'A');
INSERT INTO staff VALUES (2, 'B', 10);
INSERT INTO guests VALUES (3, 'C', '2025-01-01');
