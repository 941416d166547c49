SELECT 1 AS found
FROM spent_states
WHERE hash = :hash
  AND expires_at_ms > :now_ms
