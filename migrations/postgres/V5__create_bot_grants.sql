-- Accounts that agreed to read chat. The bot need not have an account here.
CREATE TABLE bot_grants (
    bot          text PRIMARY KEY,
    display_name text NOT NULL,
    granted_at   timestamptz NOT NULL
);
