DELETE FROM bot_grants
WHERE bot = :bot
  AND sealed_tokens IS NULL
