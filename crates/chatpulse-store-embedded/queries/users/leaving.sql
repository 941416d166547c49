SELECT users.overlay_uuid, users.twitch_id, users.sealed_tokens, bot_grants.sealed_tokens AS bot_tokens
FROM users
LEFT JOIN bot_grants ON bot_grants.bot = users.twitch_id
WHERE users.id = :id
