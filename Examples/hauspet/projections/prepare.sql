-- From here on the read models are made of the events alone. After `strata apply`.

-- sponsorship_started.sql counts sponsors: a trigger that writes into a read model would write into the live one, also
-- where another one is built beside it.
DROP TRIGGER sponsorships_count ON readmodels.sponsorships;

-- A view follows the read models when they are exchanged; what is stored in a materialized view cannot.
DROP MATERIALIZED VIEW public.breed_popularity;
CREATE VIEW public.breed_popularity AS
    SELECT b.id, b.name, count(a.id) AS animals, coalesce(sum(a.sponsor_count), 0) AS sponsors
      FROM public.breed b LEFT JOIN readmodels.animals a ON a.breed_id = b.id
     GROUP BY b.id, b.name;
GRANT SELECT ON public.breed_popularity TO hauspet_app, hauspet_report;

-- Derived, and so nothing is lost.
TRUNCATE readmodels.sponsorships, readmodels.animals;
