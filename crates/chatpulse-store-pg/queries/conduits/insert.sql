INSERT INTO conduits (id)
VALUES ($1)
ON CONFLICT (only_one) DO NOTHING
