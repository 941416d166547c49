INSERT INTO bot_grants (bot, display_name, granted_at)
VALUES ($1, $2, $3)
ON CONFLICT (bot) DO UPDATE
SET display_name = excluded.display_name,
    granted_at = excluded.granted_at
