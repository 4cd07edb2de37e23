SET LOCAL ROLE case_app;
INSERT INTO catalogue.products (name) VALUES ('a');
UPDATE catalogue.products SET name = 'b';
SELECT count(*) = 1 FROM catalogue.cheap;
INSERT INTO trail.history VALUES (1);
-- error: 42501
DELETE FROM trail.history;
-- error: 42501
SELECT 1 FROM public.secrets;
RESET ROLE;
SET LOCAL ROLE case_owner;
CREATE TABLE catalogue.later (id serial PRIMARY KEY);
SET LOCAL ROLE case_app;
INSERT INTO catalogue.later DEFAULT VALUES;
SET LOCAL ROLE case_reader;
SELECT count(*) = 1 FROM catalogue.later;
SELECT count(*) = 1 FROM catalogue.products;
-- error: 42501
INSERT INTO catalogue.products (name) VALUES ('c');
-- error: 42501
SELECT 1 FROM trail.history;
