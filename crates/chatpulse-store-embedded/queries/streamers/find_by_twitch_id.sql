SELECT id, twitch_id, login, display_name, overlay
FROM streamers
WHERE twitch_id = :twitch_id
