-- Accounts of streamers. Tokens are encrypted before they are stored; a query that shows an overlay never selects them.
-- Times are Unix milliseconds.
CREATE TABLE users (
    -- Order of first logins.
    seq                  INTEGER PRIMARY KEY,
    id                   TEXT NOT NULL UNIQUE,
    twitch_id            TEXT NOT NULL UNIQUE,
    login                TEXT NOT NULL,
    display_name         TEXT NOT NULL,
    overlay_uuid         TEXT NOT NULL UNIQUE,
    -- Null: the user ended the connection at Twitch.
    sealed_tokens        BLOB,
    -- Last validation of the tokens at Twitch. Null: not since the login.
    tokens_checked_at_ms INTEGER,
    -- Last login. A revocation from before it does not count.
    agreed_at_ms         INTEGER NOT NULL,
    created_at_ms        INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;

CREATE INDEX users_by_token_check ON users (tokens_checked_at_ms) WHERE sealed_tokens IS NOT NULL;
