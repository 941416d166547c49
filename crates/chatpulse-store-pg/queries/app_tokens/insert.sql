INSERT INTO app_tokens (sealed)
VALUES ($1)
ON CONFLICT (only_one) DO NOTHING
