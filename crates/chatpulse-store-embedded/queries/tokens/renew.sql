UPDATE users
SET sealed_tokens = :new,
    tokens_checked_at_ms = :at_ms
WHERE id = :id
  AND sealed_tokens = :old
