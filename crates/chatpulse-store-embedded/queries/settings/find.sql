SELECT version, for_triggers, against_triggers, left_label, right_label, decay_speed
FROM settings
WHERE streamer_id = :streamer_id
