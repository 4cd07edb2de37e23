SELECT to_regclass('public.goods') IS NULL AND to_regtype('public.size') IS NULL;
SELECT count(*) = 0 FROM shop.goods;
