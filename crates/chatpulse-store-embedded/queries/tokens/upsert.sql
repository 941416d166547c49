INSERT INTO tokens (streamer_id, sealed, agreed_at_ms)
VALUES (:streamer_id, :sealed, :agreed_at_ms)
ON CONFLICT (streamer_id) DO UPDATE
SET sealed = excluded.sealed,
    agreed_at_ms = excluded.agreed_at_ms,
    checked_at_ms = NULL
