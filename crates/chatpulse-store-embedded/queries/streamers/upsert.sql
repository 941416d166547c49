-- A first login creates the account, a later one updates its names; id and overlay stay.
INSERT INTO streamers (id, twitch_id, login, display_name, overlay)
VALUES (:id, :twitch_id, :login, :display_name, :overlay)
ON CONFLICT (twitch_id) DO UPDATE
SET login = excluded.login,
    display_name = excluded.display_name
RETURNING id, twitch_id, login, display_name, overlay
