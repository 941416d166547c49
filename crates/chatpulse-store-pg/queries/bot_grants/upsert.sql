INSERT INTO bot_grants (bot, display_name, granted_at, sealed_tokens)
VALUES ($1, $2, $3, $4)
ON CONFLICT (bot) DO UPDATE
SET display_name = excluded.display_name,
    granted_at = excluded.granted_at,
    sealed_tokens = excluded.sealed_tokens,
    tokens_checked_at = NULL
