SELECT nspowner = 'case_other'::regrole FROM pg_namespace WHERE nspname = 'theirs';
INSERT INTO lines VALUES (1, 1);
SET LOCAL ROLE case_reader;
SELECT count(*) = 1 FROM public.bills;
SELECT count(*) = 1 FROM theirs.bills;
