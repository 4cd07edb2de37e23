SELECT count(*) = 3 FROM hr.people;
SELECT count(*) = 3 FROM people;
SELECT count(*) = 1 FROM hr.staff;
SELECT count(*) = 1 FROM front.guests;
SELECT count(*) = 1 FROM ONLY hr.people;
UPDATE people SET name = 'Z' WHERE id = 2;
SELECT name = 'Z' FROM staff WHERE id = 2;
