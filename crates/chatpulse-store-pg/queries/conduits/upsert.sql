INSERT INTO conduits (id)
VALUES ($1)
ON CONFLICT (only_one) DO UPDATE
SET id = excluded.id,
    updated_at = now()
