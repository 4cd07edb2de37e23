-- An animal as it was registered.
INSERT INTO animals (id, name, type, breed_id, registered_by, born_on, status, created_at)
VALUES (:key, :payload.name, :payload.type, :payload.breed, :payload.by, :payload.born,
        coalesce(:payload.status, 'available'), :metadata.occurred_at);
