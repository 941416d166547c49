INSERT INTO login_sessions (hash, user_id, expires_at_ms)
VALUES (:hash, :user_id, :expires_at_ms)
