SELECT id, twitch_id, sealed_tokens
FROM (
    SELECT id, twitch_id, sealed_tokens, tokens_checked_at
    FROM users
    UNION ALL
    SELECT NULL, bot, sealed_tokens, tokens_checked_at
    FROM bot_grants
) AS kept
WHERE sealed_tokens IS NOT NULL
  AND (tokens_checked_at IS NULL OR tokens_checked_at < $1)
ORDER BY tokens_checked_at NULLS FIRST
LIMIT $2
