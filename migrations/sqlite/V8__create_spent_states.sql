-- OAuth states of logins that came back from Twitch. Each is good once, also for a copy of its cookie. Only the keyed
-- HMAC-SHA256 of the state is stored.
CREATE TABLE spent_states (
    hash          BLOB PRIMARY KEY CHECK (length(hash) = 32),
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_states_by_expiry ON spent_states (expires_at_ms);
