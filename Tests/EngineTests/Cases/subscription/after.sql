INSERT INTO public.copied VALUES (1, 'a');
SELECT count(*) = 1 FROM mirror.copied;
