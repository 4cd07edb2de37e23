SELECT count(*) = 1 FROM public.big_orders;
SELECT total = 12 FROM public.totals;
SELECT n = 2 FROM left_behind;
UPDATE public.big_orders SET total = 8 WHERE id = 2;
SELECT total = 8 FROM sales.orders WHERE id = 2;
REFRESH MATERIALIZED VIEW reports.totals;
-- error: 42809
REFRESH MATERIALIZED VIEW public.totals;
SET LOCAL ROLE case_reader;
SELECT total = 13 FROM public.totals;
SELECT count(*) = 1 FROM reports.big_orders;
-- error: 42501
SELECT 1 FROM sales.orders;
