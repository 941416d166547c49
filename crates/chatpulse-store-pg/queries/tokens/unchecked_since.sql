SELECT id, twitch_id, sealed_tokens
FROM users
WHERE sealed_tokens IS NOT NULL
  AND (tokens_checked_at IS NULL OR tokens_checked_at < $1)
ORDER BY tokens_checked_at NULLS FIRST
LIMIT $2
