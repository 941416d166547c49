-- :overlays is a JSON list of addresses. Those that are nobody's have no row.
SELECT streamers.overlay, streamers.twitch_id, version, for_triggers, against_triggers, left_label, right_label,
       decay_speed, measure, window_secs, one_vote_each, shape, theme, for_colour, against_colour, position, flipped,
       hint, counts, percentages, mod_commands, paused, hidden
FROM streamers
JOIN settings ON settings.streamer_id = streamers.id
WHERE streamers.overlay IN (SELECT value FROM json_each(:overlays))
