-- :overlays is a JSON list of addresses. An unknown one has no row.
SELECT users.overlay_uuid, users.twitch_id, user_id, settings, version, paused, hidden
FROM users
JOIN configs ON configs.user_id = users.id
WHERE users.overlay_uuid IN (SELECT value FROM json_each(:overlays))
