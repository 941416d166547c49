DELETE FROM login_sessions
WHERE hash = :hash
