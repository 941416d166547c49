SELECT id, twitch_id, sealed_tokens
FROM users
WHERE twitch_id = :twitch_id
  AND sealed_tokens IS NOT NULL
  AND agreed_at_ms <= :at_ms
