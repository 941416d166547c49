DELETE FROM login_sessions
WHERE user_id = $1
