-- Who pays for which animal, and by how many each one is sponsored.
INSERT INTO sponsorships (id, animal_id, user_id, receipt_no, amount_monthly, started_at)
VALUES (:key, :payload.animal, :payload.by, :payload.receipt, :payload.amount, :metadata.occurred_at);

UPDATE animals SET sponsor_count = sponsor_count + 1 WHERE id = :payload.animal;
