SET LOCAL ROLE case_owner;
CREATE TABLE app.later (id serial PRIMARY KEY);
SELECT has_table_privilege('case_reader', 'app.later', 'SELECT') AND has_table_privilege('case_app', 'app.later', 'INSERT WITH GRANT OPTION');
SELECT has_sequence_privilege('case_app', 'app.later_id_seq', 'USAGE');
SET LOCAL ROLE case_reader;
SELECT count(*) = 0 FROM app.later;
