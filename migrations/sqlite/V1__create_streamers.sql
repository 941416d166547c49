-- Accounts, in the order of their first login.
CREATE TABLE streamers (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    twitch_id    TEXT NOT NULL UNIQUE,
    login        TEXT NOT NULL,
    display_name TEXT NOT NULL,
    overlay      TEXT NOT NULL UNIQUE
) STRICT;

-- Kept apart, so that showing an overlay never touches a token.
CREATE TABLE tokens (
    streamer_id TEXT PRIMARY KEY REFERENCES streamers (id) ON DELETE CASCADE,
    sealed      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
