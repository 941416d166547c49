DELETE FROM login_sessions
WHERE hash = $1
