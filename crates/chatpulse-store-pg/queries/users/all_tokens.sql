SELECT twitch_id, sealed_tokens
FROM users
ORDER BY seq
