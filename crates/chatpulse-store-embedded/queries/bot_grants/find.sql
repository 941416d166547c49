SELECT display_name, granted_at_ms
FROM bot_grants
WHERE bot = :bot
