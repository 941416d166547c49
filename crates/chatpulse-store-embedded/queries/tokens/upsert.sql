INSERT INTO tokens (streamer_id, sealed)
VALUES (:streamer_id, :sealed)
ON CONFLICT (streamer_id) DO UPDATE
SET sealed = excluded.sealed,
    checked_at_ms = NULL
