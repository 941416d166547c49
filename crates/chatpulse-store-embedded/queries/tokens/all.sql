SELECT id, twitch_id, sealed_tokens
FROM (
    SELECT id, twitch_id, sealed_tokens, seq
    FROM users
    UNION ALL
    SELECT NULL, bot, sealed_tokens, NULL
    FROM bot_grants
)
WHERE sealed_tokens IS NOT NULL
ORDER BY seq NULLS LAST, twitch_id
