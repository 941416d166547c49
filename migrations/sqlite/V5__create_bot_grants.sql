-- Accounts that agreed to read chat. The bot need not have an account here.
CREATE TABLE bot_grants (
    bot           TEXT PRIMARY KEY,
    display_name  TEXT NOT NULL,
    granted_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
