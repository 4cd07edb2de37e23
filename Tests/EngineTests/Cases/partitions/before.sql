-- Partitions stay behind unless they are taken along: nested ones, one that lives elsewhere on purpose, one that is
-- listed elsewhere. Rows land in them, indexes and keys stay attached.
CREATE SCHEMA cold;
CREATE TABLE visits (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, kind text, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2025-02-01') PARTITION BY LIST (kind);
CREATE TABLE visits_1_a PARTITION OF visits_1 FOR VALUES IN ('a');
CREATE TABLE visits_1_rest PARTITION OF visits_1 DEFAULT;
CREATE TABLE visits_2 PARTITION OF visits FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
CREATE TABLE cold.visits_0 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE visits_3 PARTITION OF visits FOR VALUES FROM ('2025-03-01') TO ('2025-04-01');
CREATE INDEX visits_kind ON visits (kind);
CREATE STATISTICS visits_2_stats (dependencies) ON at, kind FROM visits_2;
GRANT SELECT, INSERT ON visits TO case_app;
INSERT INTO visits (at, kind) VALUES ('2024-05-05', 'a'), ('2025-01-05', 'a'), ('2025-01-06', 'b'), ('2025-02-05', 'a'), ('2025-03-05', 'a');
