DELETE FROM bot_grants
WHERE bot = :bot
