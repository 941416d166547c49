SELECT user_id
FROM login_sessions
WHERE hash = $1
  AND expires_at > $2
