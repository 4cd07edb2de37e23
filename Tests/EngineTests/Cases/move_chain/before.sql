-- A table takes the name that another one leaves: in one transaction, the leaving one first. Where two tables' indexes
-- stand in each other's way, one steps aside into a schema that exists within that transaction only. Old names that mean
-- something else now are a hazard.
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TABLE a.t (id serial PRIMARY KEY, origin text DEFAULT 'a');
CREATE TABLE b.t (id serial PRIMARY KEY, origin text DEFAULT 'b');
CREATE STATISTICS a.t_stats (dependencies) ON id, origin FROM a.t;
CREATE STATISTICS b.t_stats (dependencies) ON id, origin FROM b.t;
CREATE TABLE a.s_a (id integer CONSTRAINT place PRIMARY KEY, origin text DEFAULT 'a');
CREATE TABLE b.s_b (id integer CONSTRAINT place PRIMARY KEY, origin text DEFAULT 'b');
CREATE STATISTICS a.s_stats (dependencies) ON id, origin FROM a.s_a;
CREATE STATISTICS b.s_stats (dependencies) ON id, origin FROM b.s_b;
CREATE TABLE b.one (id integer CONSTRAINT one_key PRIMARY KEY);
CREATE TABLE a.two (id integer CONSTRAINT one_key PRIMARY KEY);
CREATE FUNCTION a.f(integer) RETURNS text LANGUAGE sql AS 'SELECT ''a''::text';
CREATE FUNCTION b.f(integer) RETURNS text LANGUAGE sql AS 'SELECT ''b''::text';
INSERT INTO a.t DEFAULT VALUES;
INSERT INTO b.t DEFAULT VALUES;
INSERT INTO a.s_a VALUES (1);
INSERT INTO b.s_b VALUES (1);
