INSERT INTO spent_states (hash, expires_at)
VALUES ($1, $2)
ON CONFLICT (hash) DO NOTHING
