SELECT count(*) = 3 FROM pg_constraint WHERE contype = 'f' AND connamespace IN ('top'::regnamespace, 'low'::regnamespace);
INSERT INTO public.parts VALUES (2, 3);
INSERT INTO public.heads VALUES (3, 2, 2);
SET CONSTRAINTS ALL IMMEDIATE;
DELETE FROM low.parts WHERE id = 2;
SELECT best IS NULL FROM heads WHERE id = 3;
-- error: 23503
DELETE FROM top.heads WHERE id = 1;
-- error: 23503
INSERT INTO public.heads VALUES (4, NULL, 99);
