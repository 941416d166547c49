DELETE FROM bot_grants
WHERE bot = :bot
  AND granted_at_ms <= :at_ms
