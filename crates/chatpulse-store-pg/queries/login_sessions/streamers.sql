SELECT user_id
FROM login_sessions
WHERE expires_at > $1
GROUP BY user_id
ORDER BY max(started_at) DESC NULLS LAST, user_id
