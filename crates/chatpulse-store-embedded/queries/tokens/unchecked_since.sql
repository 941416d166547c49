-- SQLite sorts null first.
SELECT id, twitch_id, sealed_tokens
FROM (
    SELECT id, twitch_id, sealed_tokens, tokens_checked_at_ms
    FROM users
    UNION ALL
    SELECT NULL, bot, sealed_tokens, tokens_checked_at_ms
    FROM bot_grants
)
WHERE sealed_tokens IS NOT NULL
  AND (tokens_checked_at_ms IS NULL OR tokens_checked_at_ms < :then_ms)
ORDER BY tokens_checked_at_ms
LIMIT :max
