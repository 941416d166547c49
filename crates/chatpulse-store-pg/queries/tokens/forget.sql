-- $1 id · $2 as they were read
WITH forgotten AS (
    UPDATE users
    SET sealed_tokens = NULL
    WHERE id = $1
      AND sealed_tokens = $2
    RETURNING id
), logged_out AS (
    DELETE FROM login_sessions
    USING forgotten
    WHERE login_sessions.user_id = forgotten.id
)
SELECT id
FROM forgotten
