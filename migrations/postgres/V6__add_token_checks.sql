-- When Twitch was last asked about a user's tokens: null is never since their login. No tokens: the grant has ended.
ALTER TABLE users
    ALTER COLUMN sealed_tokens DROP NOT NULL,
    ADD COLUMN tokens_checked_at timestamptz;

CREATE INDEX users_by_token_check ON users (tokens_checked_at NULLS FIRST) WHERE sealed_tokens IS NOT NULL;
