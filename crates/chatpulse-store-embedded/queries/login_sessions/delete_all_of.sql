DELETE FROM login_sessions
WHERE streamer_id = :streamer_id
