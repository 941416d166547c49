UPDATE tokens
SET sealed = :new,
    checked_at_ms = :at_ms
WHERE streamer_id = :streamer_id
  AND sealed = :old
