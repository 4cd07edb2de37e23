-- Enums, domains, ranges and composite types stay behind; a domain under the old name carries casts, not comparisons.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN amount AS numeric CHECK (VALUE > 0);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TYPE pair AS (a integer, b text);
CREATE TABLE notes (id integer PRIMARY KEY, mood mood, cost amount, during span, what pair, moods mood[]);
INSERT INTO notes VALUES (1, 'ok', 2, '[1,2]', (1, 'x'), '{ok,sad}');
