-- $1 Twitch id · $2 time of the revocation
WITH ended AS (
    UPDATE users
    SET sealed_tokens = NULL
    WHERE twitch_id = $1
      AND sealed_tokens IS NOT NULL
      AND agreed_at <= $2
    RETURNING id
), logged_out AS (
    DELETE FROM login_sessions
    USING ended
    WHERE login_sessions.user_id = ended.id
), no_bot AS (
    DELETE FROM bot_grants
    WHERE bot = $1
      AND granted_at <= $2
    RETURNING bot
)
SELECT 1 AS ended
FROM ended
UNION ALL
SELECT 1
FROM no_bot
LIMIT 1
