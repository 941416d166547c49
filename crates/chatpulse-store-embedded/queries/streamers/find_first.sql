SELECT id, twitch_id, login, display_name, overlay
FROM streamers
ORDER BY seq
LIMIT 1
