SELECT count(*) = 1 FROM public.tags;
INSERT INTO away.tags (name) VALUES ('b');
SELECT away.tag_count() = 2;
SELECT to_regclass('public.tags_id_seq') IS NOT NULL;
