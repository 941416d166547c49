-- A first login creates the account, a later one updates names and tokens; id and overlay stay.
INSERT INTO users (id, twitch_id, login, display_name, overlay_uuid, sealed_tokens, agreed_at_ms)
VALUES (:id, :twitch_id, :login, :display_name, :overlay_uuid, :sealed_tokens, :agreed_at_ms)
ON CONFLICT (twitch_id) DO UPDATE
SET login = excluded.login,
    display_name = excluded.display_name,
    sealed_tokens = excluded.sealed_tokens,
    tokens_checked_at_ms = NULL,
    agreed_at_ms = excluded.agreed_at_ms
RETURNING id, twitch_id, login, display_name, overlay_uuid
