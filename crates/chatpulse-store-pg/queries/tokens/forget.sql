-- $1 id · $2 as they were read
WITH forgotten AS (
    UPDATE users
    SET sealed_tokens = NULL
    WHERE id = $1
      AND sealed_tokens = $2
    RETURNING id, twitch_id
), logged_out AS (
    DELETE FROM login_sessions
    USING forgotten
    WHERE login_sessions.user_id = forgotten.id
), no_bot AS (
    DELETE FROM bot_grants
    USING forgotten
    WHERE bot_grants.bot = forgotten.twitch_id
      AND bot_grants.sealed_tokens IS NULL
)
SELECT id
FROM forgotten
