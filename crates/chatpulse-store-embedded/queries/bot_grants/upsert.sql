INSERT INTO bot_grants (bot, display_name, granted_at_ms, sealed_tokens)
VALUES (:bot, :display_name, :granted_at_ms, :sealed_tokens)
ON CONFLICT (bot) DO UPDATE
SET display_name = excluded.display_name,
    granted_at_ms = excluded.granted_at_ms,
    sealed_tokens = excluded.sealed_tokens,
    tokens_checked_at_ms = NULL
