-- A name that several schemas have needs from:, a name that none has gets the nearest.
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TABLE a.groups (id integer);
CREATE TABLE b.groups (id integer);
CREATE TABLE sessions (id integer);
CREATE TABLE b.settings (id integer);
