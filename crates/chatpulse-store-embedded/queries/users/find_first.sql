SELECT id, twitch_id, login, display_name, overlay_uuid
FROM users
ORDER BY seq
LIMIT 1
