SELECT id, twitch_id, sealed
FROM (
    SELECT streamers.id, streamers.twitch_id, tokens.sealed, streamers.seq
    FROM tokens
    JOIN streamers ON streamers.id = tokens.streamer_id
    UNION ALL
    SELECT NULL, bot, sealed, NULL
    FROM bot_grants
    WHERE sealed IS NOT NULL
)
ORDER BY seq NULLS LAST, twitch_id
