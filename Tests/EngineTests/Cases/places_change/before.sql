-- Two tables of one name that change places: their names do not say whether they have done so.
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TABLE a.s (id integer);
CREATE TABLE b.s (id text);
