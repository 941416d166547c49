SELECT streamers.id, streamers.twitch_id, tokens.sealed
FROM tokens
JOIN streamers ON streamers.id = tokens.streamer_id
WHERE streamers.twitch_id = :twitch_id
  AND (tokens.agreed_at_ms IS NULL OR tokens.agreed_at_ms <= :at_ms)
