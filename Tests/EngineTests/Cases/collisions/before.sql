-- A name in the target that PostgreSQL would refuse: a table, an index, a type, a function, and what arrives together.
CREATE SCHEMA target;
CREATE TABLE one (id integer);
CREATE TABLE target.one (id text);
CREATE TABLE two (id integer CONSTRAINT two_key PRIMARY KEY);
CREATE TABLE target.other (id integer CONSTRAINT two_key PRIMARY KEY);
CREATE TABLE three (id serial);
CREATE TYPE target.three AS ENUM ('a');
CREATE TABLE target.unrelated (id integer);
CREATE INDEX three_id_seq ON target.unrelated (id);
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION target.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';
