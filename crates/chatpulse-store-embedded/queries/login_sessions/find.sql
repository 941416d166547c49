SELECT hash, user_id, expires_at_ms, started_at_ms, browser
FROM login_sessions
WHERE hash = :hash
  AND expires_at_ms > :now_ms
