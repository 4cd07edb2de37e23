SELECT lib.body_of(1) = 'one' AND public.body_of(1) = 'one' AND public.body_of('two'::text) = 'two';
SELECT public.with_default(1) = 11 AND public.with_default(b => 2, a => 1) = 3 AND lib.with_default(1, 1) = 2;
SELECT count(*) = 2 FROM public.all_notes();
SELECT public.many(1, 2, 3) = 3 AND public.many(VARIADIC ARRAY[1]) = 1;
SELECT lib.caller() = 11 AND public.caller() = 11;
SELECT body = 'ONE' FROM shouted WHERE id = 1;
UPDATE notes SET body = 'new' WHERE id = 1;
SELECT changed = 1 FROM notes WHERE id = 1;
SELECT count(*) = 1 FROM pg_proc WHERE proname = 'touch' AND pronamespace = 'lib'::regnamespace;
SELECT to_regprocedure('public.touch()') IS NULL;
SELECT to_regprocedure('lib.body_of(text)') IS NULL;
SET LOCAL ROLE case_app;
SELECT public.guarded() = 1 AND lib.guarded() = 1;
RESET ROLE;
SET LOCAL ROLE case_other;
-- error: 42501
SELECT public.guarded();
