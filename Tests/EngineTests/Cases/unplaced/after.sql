SELECT count(*) = 2 FROM pg_tables WHERE schemaname = 'public';
SELECT count(*) = 1 FROM pg_tables WHERE schemaname = 'home';
