-- A first login creates the account and its settings, a later one updates names and tokens; id, overlay and settings
-- stay. One statement, so all or nothing.
--
-- $1 id and $5 overlay, used only if the account is new · $2 Twitch id · $3 login · $4 display name · $6 sealed tokens
-- $7 settings, used only if the account has none
WITH signed_in AS (
    INSERT INTO users (id, twitch_id, login, display_name, overlay_uuid, sealed_tokens)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (twitch_id) DO UPDATE
    SET login = excluded.login,
        display_name = excluded.display_name,
        sealed_tokens = excluded.sealed_tokens,
        tokens_checked_at = NULL,
        agreed_at = now()
    RETURNING id, twitch_id, login, display_name, overlay_uuid
), with_settings AS (
    INSERT INTO configs (user_id, settings)
    SELECT id, $7
    FROM signed_in
    ON CONFLICT (user_id) DO NOTHING
)
SELECT id, twitch_id, login, display_name, overlay_uuid
FROM signed_in
