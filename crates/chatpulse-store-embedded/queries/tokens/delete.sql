DELETE FROM tokens
WHERE streamer_id = :streamer_id
  AND sealed = :sealed
