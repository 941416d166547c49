-- The settings of a new account; an account that has some keeps them.
INSERT INTO settings (streamer_id, for_triggers, against_triggers, left_label, right_label, decay_speed)
VALUES (:streamer_id, :for_triggers, :against_triggers, :left_label, :right_label, :decay_speed)
ON CONFLICT (streamer_id) DO NOTHING
