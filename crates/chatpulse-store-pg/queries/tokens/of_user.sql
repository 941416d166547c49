SELECT id, twitch_id, sealed_tokens
FROM users
WHERE twitch_id = $1
  AND sealed_tokens IS NOT NULL
UNION ALL
SELECT NULL, bot, sealed_tokens
FROM bot_grants
WHERE bot = $1
  AND sealed_tokens IS NOT NULL
ORDER BY id NULLS LAST
