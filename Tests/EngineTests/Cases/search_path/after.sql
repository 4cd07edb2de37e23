-- verify: functions public.count_lines(): line 1 (BEGIN RETURN (SELECT count(*) FROM public.lines); END) names public.lines, which moved to "Sales Parts" and is not found any more
SELECT count(*) = 1 FROM orders JOIN lines ON order_id = orders.id;
SELECT current_setting('search_path') = '"$user", public, sales, "Sales Parts"';
SELECT setconfig = ARRAY['search_path=public, pg_catalog, sales, "Sales Parts"'] FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database() AND setrole = 'case_app'::regrole;
SELECT count_orders() = 1;
-- error: 42P01
SELECT * FROM public.orders;
-- error: 42P01
SELECT count_lines();
