DELETE FROM login_sessions
WHERE user_id = :user_id
