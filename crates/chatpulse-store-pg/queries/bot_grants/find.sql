SELECT display_name, granted_at
FROM bot_grants
WHERE bot = $1
