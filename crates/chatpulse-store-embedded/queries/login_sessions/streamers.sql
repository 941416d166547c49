SELECT user_id
FROM login_sessions
WHERE expires_at_ms > :now_ms
GROUP BY user_id
ORDER BY max(started_at_ms) DESC NULLS LAST, user_id
