SELECT 1 AS found
FROM spent_states
WHERE hash = $1
  AND expires_at > $2
