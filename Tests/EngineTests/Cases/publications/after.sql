SELECT array_agg(schemaname || '.' || tablename ORDER BY tablename) = '{public.both_ways,shop.listed}' FROM pg_publication_tables WHERE pubname = 'picked';
SELECT rowfilter = '(id > 0)' FROM pg_publication_tables WHERE pubname = 'picked' AND tablename = 'listed';
SELECT count(*) = 4 FROM pg_publication_tables WHERE pubname = 'every' AND schemaname <> 'strata';
SELECT array_agg(tablename) = '{both_ways}' FROM pg_publication_tables WHERE pubname = 'pile';
SELECT array_agg(tablename ORDER BY tablename) = '{listed,stays,whole}' FROM pg_publication_tables WHERE pubname = 'shop_window';
