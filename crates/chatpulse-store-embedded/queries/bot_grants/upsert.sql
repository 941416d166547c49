INSERT INTO bot_grants (bot, display_name, granted_at_ms, sealed)
VALUES (:bot, :display_name, :granted_at_ms, :sealed)
ON CONFLICT (bot) DO UPDATE
SET display_name = excluded.display_name,
    granted_at_ms = excluded.granted_at_ms,
    sealed = excluded.sealed,
    checked_at_ms = NULL
