SELECT id, twitch_id, login, display_name, overlay
FROM streamers
WHERE overlay = :overlay
