INSERT INTO login_sessions (hash, user_id, expires_at, started_at, browser)
VALUES ($1, $2, $3, $4, $5)
