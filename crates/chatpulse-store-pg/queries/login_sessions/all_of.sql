SELECT hash, user_id, expires_at, started_at, browser
FROM login_sessions
WHERE user_id = $1
  AND expires_at > $2
ORDER BY started_at DESC NULLS LAST, expires_at DESC, hash
