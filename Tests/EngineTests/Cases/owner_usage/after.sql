SELECT has_schema_privilege('case_other', 'up', 'USAGE') AND has_schema_privilege('case_owner', 'down', 'USAGE');
INSERT INTO public.children VALUES (1, 1);
INSERT INTO down.children VALUES (2, 1);
-- error: 23503
INSERT INTO down.children VALUES (3, 9);
DELETE FROM up.parents;
SELECT count(*) = 0 FROM down.children;
SET LOCAL ROLE case_app;
SELECT count(*) = 0 FROM public.children;
-- error: 23503
INSERT INTO public.children VALUES (4, 1);
