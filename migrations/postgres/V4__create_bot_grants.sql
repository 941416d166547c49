-- Accounts that agreed to read chat as the bot. A bot need not be in `users`.
CREATE TABLE bot_grants (
    bot               text PRIMARY KEY,
    display_name      text NOT NULL,
    granted_at        timestamptz NOT NULL,
    -- Tokens of this grant, encrypted. Null: the bot agreed with its login as a streamer.
    sealed_tokens     bytea,
    -- Last validation of the tokens at Twitch. Null: not since the grant.
    tokens_checked_at timestamptz
);
