INSERT INTO conduits (only_one, id)
VALUES (1, :id)
ON CONFLICT (only_one) DO UPDATE
SET id = excluded.id
