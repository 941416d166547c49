SELECT id, twitch_id, sealed_tokens
FROM users
WHERE twitch_id = :twitch_id
  AND sealed_tokens IS NOT NULL
UNION ALL
SELECT NULL, bot, sealed_tokens
FROM bot_grants
WHERE bot = :twitch_id
  AND sealed_tokens IS NOT NULL
ORDER BY id NULLS LAST
