-- $1 user · $2 paused · $3 hidden. Null leaves one as it is. The trigger raises the version.
UPDATE configs
SET paused = coalesce($2, paused),
    hidden = coalesce($3, hidden)
WHERE user_id = $1
RETURNING version, for_triggers, against_triggers, left_label, right_label, decay_speed, measure, window_secs,
          one_vote_each, shape, theme, for_colour, against_colour, position, flipped, hint, counts, percentages,
          mod_commands, paused, hidden
