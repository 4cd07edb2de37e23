-- Event triggers run on the plan's own statements.
CREATE TABLE things (id integer PRIMARY KEY);
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE DEBUG ''%'', tg_tag; END';
CREATE EVENT TRIGGER watches_all ON ddl_command_end EXECUTE FUNCTION watch();
CREATE EVENT TRIGGER watches_tables ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION watch();
CREATE EVENT TRIGGER watches_others ON ddl_command_end WHEN TAG IN ('CREATE OPERATOR') EXECUTE FUNCTION watch();
CREATE EVENT TRIGGER disabled_one ON ddl_command_end EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER disabled_one DISABLE;
