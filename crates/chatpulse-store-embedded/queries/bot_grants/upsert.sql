INSERT INTO bot_grants (bot, display_name, granted_at_ms)
VALUES (:bot, :display_name, :granted_at_ms)
ON CONFLICT (bot) DO UPDATE
SET display_name = excluded.display_name,
    granted_at_ms = excluded.granted_at_ms
