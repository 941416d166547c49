-- Accounts that agreed to read chat as the bot. A bot need not be in `users`.
CREATE TABLE bot_grants (
    bot                  TEXT PRIMARY KEY,
    display_name         TEXT NOT NULL,
    granted_at_ms        INTEGER NOT NULL,
    -- Tokens of this grant, encrypted. Null: the bot agreed with its login as a streamer.
    sealed_tokens        BLOB,
    -- Last validation of the tokens at Twitch. Null: not since the grant.
    tokens_checked_at_ms INTEGER
) STRICT, WITHOUT ROWID;
