-- Null leaves one as it is.
UPDATE settings
SET version = version + 1,
    paused = coalesce(:paused, paused),
    hidden = coalesce(:hidden, hidden)
WHERE streamer_id = :streamer_id
RETURNING version, for_triggers, against_triggers, left_label, right_label, decay_speed, measure, window_secs,
          one_vote_each, shape, theme, for_colour, against_colour, position, flipped, hint, counts, percentages,
          mod_commands, paused, hidden
