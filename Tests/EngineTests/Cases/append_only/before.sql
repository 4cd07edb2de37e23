-- Rows are only ever added: to the table, to its partitions at every level, to what inherits from it; rights that were
-- passed on, on columns too, go and come back.
CREATE TABLE log (id integer PRIMARY KEY, note text);
CREATE TABLE log_old (archived date) INHERITS (log);
CREATE TABLE events (id integer, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2025-02-01') PARTITION BY LIST (kind);
CREATE TABLE events_1_a PARTITION OF events_1 FOR VALUES IN ('a');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE logins (id integer, who integer REFERENCES users ON DELETE CASCADE);
ALTER TABLE log OWNER TO case_owner;
GRANT SELECT, INSERT, DELETE ON log, log_old TO case_app;
GRANT UPDATE (note) ON log TO case_app WITH GRANT OPTION;
GRANT UPDATE ON events_2 TO case_reader WITH GRANT OPTION;
GRANT ALL ON events TO case_app;
SET ROLE case_reader;
GRANT UPDATE ON events_2 TO case_other;
RESET ROLE;
INSERT INTO log VALUES (1, 'a');
INSERT INTO log_old VALUES (2, 'b', '2024-01-01');
INSERT INTO events VALUES (1, '2025-01-05', 'a'), (2, '2025-02-05', 'b');
INSERT INTO users VALUES (1);
INSERT INTO logins VALUES (1, 1);
