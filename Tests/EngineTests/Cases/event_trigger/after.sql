INSERT INTO public.things VALUES (1);
SELECT count(*) = 1 FROM kept.things;
