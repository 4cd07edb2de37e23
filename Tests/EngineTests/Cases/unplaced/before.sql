-- What no schema lists stays and is told of; what is ignored is not.
CREATE TABLE listed (id integer PRIMARY KEY);
CREATE TABLE forgotten (id integer PRIMARY KEY);
CREATE TABLE _prisma_migrations (id text PRIMARY KEY);
CREATE VIEW forgotten_view AS SELECT 1 AS one;
CREATE SEQUENCE forgotten_sequence;
CREATE TYPE forgotten_type AS ENUM ('a');
CREATE FUNCTION forgotten_function() RETURNS integer LANGUAGE sql AS 'SELECT 1';
