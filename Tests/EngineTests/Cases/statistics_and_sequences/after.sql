SELECT stxnamespace = 'box'::regnamespace FROM pg_statistic_ext WHERE stxname = 'tickets_ab';
SELECT to_regclass('box.ticket_numbers') IS NOT NULL AND to_regclass('box.tickets_id_seq') IS NOT NULL;
SELECT to_regclass('public.shared_numbers') IS NOT NULL;
INSERT INTO public.tickets (a) VALUES (9);
SELECT number >= 105 AND id >= 6 FROM box.tickets WHERE a = 9;
-- error: 42P01
SELECT nextval('public.ticket_numbers');
SELECT pg_get_serial_sequence('public.tickets', 'id') IS NULL;
