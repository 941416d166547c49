DELETE FROM login_sessions
WHERE expires_at_ms <= :now_ms
