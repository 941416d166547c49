SELECT id, twitch_id, login, display_name, overlay_uuid
FROM users
WHERE twitch_id = :twitch_id
