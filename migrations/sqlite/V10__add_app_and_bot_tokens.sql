-- The application's own token, sealed.
CREATE TABLE app_tokens (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    sealed   BLOB NOT NULL
) STRICT;

-- What the bot gave for that alone, and when Twitch was last asked about it. No tokens: it agreed with its login, or before
-- they were kept.
ALTER TABLE bot_grants ADD COLUMN sealed BLOB;
ALTER TABLE bot_grants ADD COLUMN checked_at_ms INTEGER;
