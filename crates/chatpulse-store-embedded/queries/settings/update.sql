-- Every write raises the version; one based on an older version than was last saved finds no row.
-- What moderators did stays while they may undo it, and is no newer version of what is edited here.
UPDATE settings
SET version = version + 1,
    for_triggers = :for_triggers,
    against_triggers = :against_triggers,
    left_label = :left_label,
    right_label = :right_label,
    decay_speed = :decay_speed,
    measure = :measure,
    window_secs = :window_secs,
    one_vote_each = :one_vote_each,
    shape = :shape,
    theme = :theme,
    for_colour = :for_colour,
    against_colour = :against_colour,
    position = :position,
    flipped = :flipped,
    hint = :hint,
    counts = :counts,
    percentages = :percentages,
    mod_commands = :mod_commands,
    paused = paused AND :mod_commands,
    hidden = hidden AND :mod_commands,
    edited_version = version + 1
WHERE streamer_id = :streamer_id
  AND (:based_on IS NULL OR :based_on >= edited_version)
RETURNING version
