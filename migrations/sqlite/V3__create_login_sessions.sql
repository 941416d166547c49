-- Logins. The cookie holds a random id; only its keyed HMAC-SHA256 is stored.
CREATE TABLE login_sessions (
    hash          BLOB PRIMARY KEY CHECK (length(hash) = 32),
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_sessions_by_user ON login_sessions (user_id);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at_ms);
