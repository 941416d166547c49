INSERT INTO spent_states (hash, expires_at_ms)
VALUES (:hash, :expires_at_ms)
ON CONFLICT (hash) DO NOTHING
