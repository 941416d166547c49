SELECT streamers.id, streamers.twitch_id, tokens.sealed
FROM tokens
JOIN streamers ON streamers.id = tokens.streamer_id
ORDER BY streamers.seq
