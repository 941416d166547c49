-- $1 is a list of addresses. Those that are nobody's have no row.
SELECT users.overlay_uuid, users.twitch_id, version, for_triggers, against_triggers, left_label, right_label,
       decay_speed, measure, window_secs, one_vote_each, shape, theme, for_colour, against_colour, position, flipped,
       hint, counts, percentages, mod_commands, paused, hidden
FROM users
JOIN configs ON configs.user_id = users.id
WHERE users.overlay_uuid = ANY ($1)
