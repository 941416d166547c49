SELECT id, twitch_id, sealed_tokens
FROM users
WHERE sealed_tokens IS NOT NULL
ORDER BY seq
