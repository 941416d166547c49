-- One statement, so all or nothing: a first login creates the account and its settings, a later one updates names
-- and tokens; id, overlay and settings stay.
--
-- $1 id and $5 overlay, used only if the account is new · $2 Twitch id · $3 login · $4 display name · $6 sealed tokens
-- $7 triggers for · $8 triggers against · $9 left label · $10 right label · $11 decay speed
WITH signed_in AS (
    INSERT INTO users (id, twitch_id, login, display_name, overlay_uuid, sealed_tokens, agreed_at)
    VALUES ($1, $2, $3, $4, $5, $6, now())
    ON CONFLICT (twitch_id) DO UPDATE
    SET login = excluded.login,
        display_name = excluded.display_name,
        sealed_tokens = excluded.sealed_tokens,
        tokens_checked_at = NULL,
        agreed_at = now(),
        updated_at = now()
    RETURNING id, twitch_id, login, display_name, overlay_uuid
), with_settings AS (
    INSERT INTO configs (user_id, for_triggers, against_triggers, left_label, right_label, decay_speed)
    SELECT id, $7, $8, $9, $10, $11
    FROM signed_in
    ON CONFLICT (user_id) DO NOTHING
)
SELECT id, twitch_id, login, display_name, overlay_uuid
FROM signed_in
