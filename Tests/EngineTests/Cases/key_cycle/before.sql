-- Tables that refer to each other and to themselves, also across the new schemas.
CREATE TABLE heads (id integer PRIMARY KEY, best integer, boss integer REFERENCES heads);
CREATE TABLE parts (id integer PRIMARY KEY, head integer NOT NULL REFERENCES heads DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE heads ADD CONSTRAINT heads_best_fkey FOREIGN KEY (best) REFERENCES parts ON DELETE SET NULL;
ALTER TABLE parts ADD CONSTRAINT unproven CHECK (id > 0) NOT VALID;
INSERT INTO heads VALUES (1, NULL, NULL), (2, NULL, 1);
INSERT INTO parts VALUES (1, 1);
UPDATE heads SET best = 1 WHERE id = 1;
