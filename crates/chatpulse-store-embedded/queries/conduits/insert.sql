INSERT INTO conduits (only_one, id)
VALUES (1, :new)
ON CONFLICT (only_one) DO NOTHING
