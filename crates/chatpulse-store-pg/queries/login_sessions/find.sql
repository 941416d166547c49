SELECT hash, user_id, expires_at, started_at, browser
FROM login_sessions
WHERE hash = $1
  AND expires_at > $2
