-- $1 the bot · $2 as they were read
DELETE FROM bot_grants
WHERE bot = $1
  AND sealed_tokens = $2
RETURNING bot
