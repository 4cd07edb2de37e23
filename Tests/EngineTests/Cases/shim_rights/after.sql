SELECT pg_get_userbyid(relowner) = 'case_owner' FROM pg_class WHERE oid = 'public.plain'::regclass;
SELECT has_table_privilege('case_app', 'public.plain', p || ' WITH GRANT OPTION') FROM unnest(ARRAY['INSERT', 'UPDATE']) AS p;
SELECT NOT has_table_privilege('case_app', 'public.plain', 'DELETE WITH GRANT OPTION') AND has_table_privilege('case_app', 'public.plain', 'DELETE');
SELECT NOT has_any_column_privilege('case_other', 'public.' || t, 'INSERT') AND NOT has_table_privilege('case_other', 'public.' || t, 'DELETE') FROM unnest(ARRAY['plain', 'parts', 'closed']) AS t;
SELECT NOT has_any_column_privilege('case_other', 'public.closed', 'SELECT');
SELECT has_column_privilege('case_app', 'public.parts', 'id', 'INSERT WITH GRANT OPTION');
SET LOCAL ROLE case_reader;
SELECT a = 'a' FROM public.parts;
UPDATE public.parts SET a = 'c' WHERE id = 1;
-- error: 42501
SELECT b FROM public.parts;
-- error: 42501
UPDATE public.parts SET b = 'c';
-- error: 42501
DELETE FROM public.parts;
SELECT b = 'b' FROM public.plain;
-- error: 42501
INSERT INTO public.plain VALUES (2);
RESET ROLE;
SET LOCAL ROLE case_app;
UPDATE public.plain SET a = 'x';
GRANT UPDATE ON public.plain TO case_other;
DELETE FROM public.plain;
