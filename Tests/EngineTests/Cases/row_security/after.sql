SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'bank.accounts'::regclass;
SELECT count(*) = 2 FROM pg_policies WHERE schemaname = 'bank' AND tablename = 'accounts';
SET LOCAL ROLE case_app;
SELECT count(*) = 1 FROM public.accounts;
SELECT count(*) = 1 FROM bank.accounts;
INSERT INTO public.accounts VALUES (4, 1, 5);
-- error: 42501
INSERT INTO public.accounts VALUES (5, 2, 5);
RESET ROLE;
SET LOCAL ROLE case_reader;
SELECT count(*) = 2 FROM public.accounts;
UPDATE public.accounts SET amount = 0;
SELECT sum(amount) = 50 FROM public.accounts;
RESET ROLE;
SET LOCAL ROLE case_owner;
SELECT count(*) = 0 FROM public.accounts;
