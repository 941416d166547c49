SELECT user_id, settings, version, paused, hidden
FROM configs
WHERE user_id = $1
