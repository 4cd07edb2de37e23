INSERT INTO public.docs VALUES (1);
SELECT place = 'paper.docs' FROM seen;
