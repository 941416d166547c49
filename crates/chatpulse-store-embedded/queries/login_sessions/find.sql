SELECT user_id
FROM login_sessions
WHERE hash = :hash
  AND expires_at_ms > :now_ms
