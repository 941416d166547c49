SELECT EXISTS (SELECT 1 FROM settings WHERE streamer_id = :streamer_id)
