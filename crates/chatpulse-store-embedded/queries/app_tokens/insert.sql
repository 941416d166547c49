INSERT INTO app_tokens (only_one, sealed)
VALUES (1, :new)
ON CONFLICT (only_one) DO NOTHING
