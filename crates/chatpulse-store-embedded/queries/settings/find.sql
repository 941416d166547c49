SELECT version, for_triggers, against_triggers, left_label, right_label, decay_speed, measure, window_secs, one_vote_each,
       shape, theme, for_colour, against_colour, position, flipped, hint, counts, percentages,
       mod_commands, paused, hidden
FROM settings
WHERE streamer_id = :streamer_id
