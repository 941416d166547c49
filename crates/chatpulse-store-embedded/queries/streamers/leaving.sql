SELECT streamers.overlay, streamers.twitch_id, tokens.sealed
FROM streamers
LEFT JOIN tokens ON tokens.streamer_id = streamers.id
WHERE streamers.id = :id
