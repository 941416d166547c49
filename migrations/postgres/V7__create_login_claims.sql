-- Who may log in by a name of ALLOWED_STREAMERS: the account that logged in with it first, since Twitch gives names to
-- others; and whose the server is: whoever logged in first. Both columns are SHA-256 fingerprints, and there is no foreign
-- key: a claim outlives the deletion of the account, and says nothing about it to a reader.
CREATE TABLE login_claims (
    subject    bytea PRIMARY KEY CHECK (octet_length(subject) = 32),
    holder     bytea NOT NULL CHECK (octet_length(holder) = 32),
    claimed_at timestamptz NOT NULL DEFAULT now()
);
