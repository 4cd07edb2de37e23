-- verify: shims public.mine: case_app holds rights on it that it cannot use: SELECT: permission denied for table mine
SET LOCAL ROLE case_app;
SELECT name = 'A' FROM public.people;
SELECT name = 'A' FROM hr.people;
INSERT INTO public.people (id, name) VALUES (2, 'B');
UPDATE public.people SET name = 'C' WHERE id = 2;
-- error: 42501
SELECT salary FROM public.people;
-- error: 42501
UPDATE public.people SET salary = 1;
-- error: 42501
SELECT who FROM public.mine;
SELECT who = 'case_app' FROM hr.mine;
RESET ROLE;
SET LOCAL ROLE case_reader;
SELECT salary = 10 FROM public.people WHERE id = 1;
UPDATE public.people SET salary = 11 WHERE id = 1;
-- error: 42501
UPDATE public.people SET name = 'D';
