UPDATE bot_grants
SET sealed = :new,
    checked_at_ms = :at_ms
WHERE bot = :bot
  AND sealed = :old
