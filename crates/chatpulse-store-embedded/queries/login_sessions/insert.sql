INSERT INTO login_sessions (hash, streamer_id, expires_at_ms)
VALUES (:hash, :streamer_id, :expires_at_ms)
