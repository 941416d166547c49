UPDATE users
SET sealed_tokens = NULL
WHERE id = :id
  AND sealed_tokens = :sealed_tokens
