-- $1 the bot · $2 as they were read · $3 as they are now · $4 when Twitch was asked
UPDATE bot_grants
SET sealed_tokens = $3,
    tokens_checked_at = $4
WHERE bot = $1
  AND sealed_tokens = $2
