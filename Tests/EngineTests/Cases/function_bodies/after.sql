SELECT leans() = 1 AND bound() = 1 AND literal_execute() = 1;
SELECT row_type() = 'seven';
-- error: 42809
SELECT truncates();
-- error: 42704
SELECT on_constraint();
-- error: 42883
SELECT takes_row(i) FROM public.items i;
SELECT takes_row(i) = 'seven' FROM shop.items i;
