-- OAuth states of logins that came back from Twitch. Each is good once, also for a copy of its cookie. Only the keyed
-- HMAC-SHA256 of the state is stored.
CREATE TABLE spent_states (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    expires_at timestamptz NOT NULL
);

CREATE INDEX spent_states_by_expiry ON spent_states (expires_at);
