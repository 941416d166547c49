SELECT version, for_triggers, against_triggers, left_label, right_label, decay_speed
FROM configs
WHERE user_id = $1
