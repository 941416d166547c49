-- Settings and logins go with the account, and what its user agreed to as the bot.
--
-- $1 user
WITH gone AS (
    DELETE FROM users
    WHERE id = $1
    RETURNING twitch_id, overlay_uuid, sealed_tokens
), no_bot AS (
    DELETE FROM bot_grants
    USING gone
    WHERE bot_grants.bot = gone.twitch_id
    RETURNING bot_grants.sealed_tokens
)
SELECT overlay_uuid, sealed_tokens, (SELECT sealed_tokens FROM no_bot) AS bot_tokens
FROM gone
