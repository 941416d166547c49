-- When Twitch was last asked about these tokens: null is never since the login.
ALTER TABLE tokens ADD COLUMN checked_at_ms INTEGER;

CREATE INDEX tokens_by_check ON tokens (checked_at_ms);
