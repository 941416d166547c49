-- The application's own token, sealed: one for all instances.
CREATE TABLE app_tokens (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    sealed   bytea NOT NULL
);

-- What the bot gave for that alone, and when Twitch was last asked about it. No tokens: it agreed with its login, or before
-- they were kept.
ALTER TABLE bot_grants
    ADD COLUMN sealed_tokens bytea,
    ADD COLUMN tokens_checked_at timestamptz;
