DELETE FROM spent_states
WHERE expires_at_ms <= :now_ms
