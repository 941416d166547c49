-- Spent states go with the logins.
WITH states AS (
    DELETE FROM spent_states
    WHERE expires_at <= $1
)
DELETE FROM login_sessions
WHERE expires_at <= $1
