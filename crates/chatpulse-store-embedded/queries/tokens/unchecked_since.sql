-- SQLite sorts null first.
SELECT streamers.id, streamers.twitch_id, tokens.sealed
FROM tokens
JOIN streamers ON streamers.id = tokens.streamer_id
WHERE tokens.checked_at_ms IS NULL
   OR tokens.checked_at_ms < :then_ms
ORDER BY tokens.checked_at_ms
LIMIT :max
