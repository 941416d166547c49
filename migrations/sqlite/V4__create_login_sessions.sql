-- Who is logged in. The cookie holds a random id, and only its SHA-256 is here.
CREATE TABLE login_sessions (
    hash          BLOB PRIMARY KEY CHECK (length(hash) = 32),
    streamer_id   TEXT NOT NULL REFERENCES streamers (id) ON DELETE CASCADE,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_sessions_by_streamer ON login_sessions (streamer_id);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at_ms);
