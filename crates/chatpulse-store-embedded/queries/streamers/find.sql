SELECT id, twitch_id, login, display_name, overlay
FROM streamers
WHERE id = :id
