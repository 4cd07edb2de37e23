-- compatibility: search_path. No views are left; new sessions find unqualified names, also those of a role with a path of
-- its own. Qualified names fail, and what another schema of the path has shadows.
CREATE TABLE orders (id integer PRIMARY KEY);
CREATE TABLE lines (id integer PRIMARY KEY, order_id integer REFERENCES orders);
CREATE FUNCTION count_orders() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM orders); END';
CREATE FUNCTION count_lines() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM public.lines); END';
INSERT INTO orders VALUES (1);
INSERT INTO lines VALUES (1, 1);
GRANT SELECT ON orders TO case_app;
ALTER ROLE case_app IN DATABASE @database SET search_path = public, pg_catalog;
