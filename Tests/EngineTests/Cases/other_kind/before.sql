-- Listed under the wrong key: the message says where the thing belongs.
CREATE TABLE real (id serial PRIMARY KEY);
CREATE VIEW looks_like AS SELECT id FROM real;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM real;
CREATE SEQUENCE numbers;
CREATE TYPE mood AS ENUM ('a');
CREATE TYPE pair AS (a integer);
CREATE FUNCTION work() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE chore() LANGUAGE sql AS 'SELECT 1';
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far (id integer) SERVER nowhere;
