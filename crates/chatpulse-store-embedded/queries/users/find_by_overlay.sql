SELECT id, twitch_id, login, display_name, overlay_uuid
FROM users
WHERE overlay_uuid = :overlay_uuid
