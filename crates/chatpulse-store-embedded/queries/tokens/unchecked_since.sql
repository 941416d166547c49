-- SQLite sorts null first.
SELECT id, twitch_id, sealed
FROM (
    SELECT streamers.id, streamers.twitch_id, tokens.sealed, tokens.checked_at_ms
    FROM tokens
    JOIN streamers ON streamers.id = tokens.streamer_id
    UNION ALL
    SELECT NULL, bot, sealed, checked_at_ms
    FROM bot_grants
    WHERE sealed IS NOT NULL
)
WHERE checked_at_ms IS NULL
   OR checked_at_ms < :then_ms
ORDER BY checked_at_ms
LIMIT :max
