SELECT count(*) = 2 FROM remote.prices;
SELECT count(*) = 2 FROM remote.named_prices;
SELECT count(*) = 2 FROM public.prices;
