-- Views and materialised views stay behind, bound to the tables by OID; those that the layout places move.
CREATE TABLE orders (id integer PRIMARY KEY, total numeric);
INSERT INTO orders VALUES (1, 5), (2, 7);
CREATE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 5;
CREATE VIEW left_behind AS SELECT count(*) AS n FROM orders;
CREATE MATERIALIZED VIEW totals AS SELECT sum(total) AS total FROM orders;
CREATE UNIQUE INDEX totals_key ON totals (total);
GRANT SELECT ON big_orders, totals TO case_reader;
GRANT UPDATE (total) ON big_orders TO case_app;
