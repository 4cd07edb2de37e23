-- Default privileges of the old schema do not come along by themselves.
CREATE TABLE rows_of_app (id serial PRIMARY KEY);
ALTER TABLE rows_of_app OWNER TO case_owner;
GRANT SELECT ON rows_of_app TO case_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE case_owner IN SCHEMA public GRANT SELECT ON TABLES TO case_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE case_owner IN SCHEMA public GRANT INSERT ON TABLES TO case_app WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE case_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO case_app;
ALTER DEFAULT PRIVILEGES FOR ROLE case_owner IN SCHEMA public GRANT USAGE ON TYPES TO case_app;
