INSERT INTO login_sessions (hash, user_id, expires_at)
VALUES ($1, $2, $3)
