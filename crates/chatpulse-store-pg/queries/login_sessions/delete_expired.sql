DELETE FROM login_sessions
WHERE expires_at <= $1
