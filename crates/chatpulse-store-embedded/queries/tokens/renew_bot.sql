UPDATE bot_grants
SET sealed_tokens = :new,
    tokens_checked_at_ms = :at_ms
WHERE bot = :bot
  AND sealed_tokens = :old
