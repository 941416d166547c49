SELECT hash, user_id, expires_at_ms, started_at_ms, browser
FROM login_sessions
WHERE user_id = :user_id
  AND expires_at_ms > :now_ms
ORDER BY started_at_ms DESC NULLS LAST, expires_at_ms DESC, hash
