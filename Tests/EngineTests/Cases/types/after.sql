SELECT format_type(atttypid, NULL) = 'lib.mood' FROM pg_attribute WHERE attrelid = 'notes'::regclass AND attname = 'mood';
INSERT INTO notes (id, mood, cost) VALUES (2, 'sad'::public.mood, 3::public.amount);
UPDATE notes SET mood = CAST('ok' AS public.mood) WHERE id = 2;
-- error: 22P02
UPDATE notes SET mood = 'none'::public.mood;
-- error: 23514
UPDATE notes SET cost = -1::public.amount;
SELECT cost = 2::public.amount FROM notes WHERE id = 1;
SELECT during && '[1,2]'::public.span FROM notes WHERE id = 1;
-- error: 42883
SELECT 1 FROM notes WHERE mood = 'ok'::public.mood;
SELECT count(*) = 2 FROM notes WHERE mood = 'ok'::lib.mood;
-- error: 42704
SELECT ROW(1, 'x')::public.pair;
