DELETE FROM bot_grants
WHERE bot = :bot
  AND sealed_tokens = :sealed_tokens
