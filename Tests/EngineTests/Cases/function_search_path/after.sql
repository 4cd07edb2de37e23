SELECT take(1) = 9;
SELECT count(*) = 2 FROM trail.log;
SELECT tools.amount_of(1) = 9 AND tools.empty_path(1) = 9;
SELECT proconfig = '{"search_path=store, public, tools, pg_temp"}' FROM pg_proc WHERE proname = 'amount_of';
SELECT proconfig = '{"search_path=\"\""}' FROM pg_proc WHERE proname = 'empty_path';
SELECT proconfig IS NULL FROM pg_proc WHERE proname IN ('clean', 'untouched');
