SELECT streamers.overlay, streamers.twitch_id, tokens.sealed, bot_grants.sealed AS bot_sealed
FROM streamers
LEFT JOIN tokens ON tokens.streamer_id = streamers.id
LEFT JOIN bot_grants ON bot_grants.bot = streamers.twitch_id
WHERE streamers.id = :id
