-- A body in a language that Strata cannot read is a hazard when it mentions something that moves, and only then.
CREATE TABLE readings (id integer PRIMARY KEY);
CREATE FUNCTION other_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE other HANDLER other_handler;
CREATE FUNCTION reads_them() RETURNS integer LANGUAGE other AS 'BEGIN RETURN (SELECT count(*) FROM readings); END';
CREATE FUNCTION reads_nothing() RETURNS integer LANGUAGE other AS 'BEGIN RETURN 1; END';
