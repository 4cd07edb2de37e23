INSERT INTO log VALUES (3, 'c');
INSERT INTO trail.events VALUES (3, '2025-01-06', 'a');
INSERT INTO trail.log_old VALUES (4, 'd', '2024-02-01');
-- error: 42501
UPDATE trail.log SET note = 'x' WHERE id = 1;
-- error: 42501
UPDATE trail.log SET note = 'x' WHERE id = 2;
-- error: 42501
DELETE FROM log;
-- error: 42501
UPDATE trail.log_old SET note = 'x';
-- error: 42501
TRUNCATE trail.log_old;
-- error: 42501
TRUNCATE trail.log;
-- error: 42501
DELETE FROM trail.events_1_a;
-- error: 42501
UPDATE trail.events SET kind = 'b' WHERE id = 2;
-- error: 42501
TRUNCATE trail.events_1_a;
-- error: 42501
TRUNCATE trail.events;
-- error: 42501
DELETE FROM users;
SELECT NOT has_any_column_privilege('case_app', 'trail.log', 'UPDATE');
SELECT NOT has_table_privilege('case_app', 'trail.' || t, 'DELETE') FROM unnest(ARRAY['log', 'log_old', 'events']) AS t;
SELECT NOT has_table_privilege(r, 'trail.events_2', 'UPDATE') FROM unnest(ARRAY['case_reader', 'case_other', 'case_app']) AS r;
SELECT NOT has_table_privilege('case_app', 'public.' || t, 'DELETE') FROM unnest(ARRAY['log', 'log_old', 'events']) AS t;
SET LOCAL ROLE case_app;
INSERT INTO public.events VALUES (4, '2025-02-06', 'b');
SELECT count(*) = 4 FROM trail.events;
