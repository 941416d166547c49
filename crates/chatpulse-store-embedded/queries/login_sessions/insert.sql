INSERT INTO login_sessions (hash, user_id, expires_at_ms, started_at_ms, browser)
VALUES (:hash, :user_id, :expires_at_ms, :started_at_ms, :browser)
