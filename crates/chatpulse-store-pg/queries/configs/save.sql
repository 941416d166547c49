-- The trigger raises the version; one based on an older version than was last saved finds no row to write. Of saves
-- at once the later waits for the earlier and then looks at what that one left.
--
-- $1 user · $2 triggers for · $3 triggers against · $4 left label · $5 right label · $6 decay speed
-- $7 the version it is based on, or null · $8 measure · $9 seconds of the window, or null · $10 one vote each · $11 shape
-- $12 theme · $13 colour for · $14 colour against · $15 position · $16 flipped · $17 hint · $18 counts · $19 percentages
-- $20 commands of moderators. What those did stays while they may undo it, and is no
-- newer version of what is edited here.
-- Returns the new version, or null where nothing was written, and whether there are settings at all.
WITH saved AS (
    UPDATE configs
    SET for_triggers = $2,
        against_triggers = $3,
        left_label = $4,
        right_label = $5,
        decay_speed = $6,
        measure = $8,
        window_secs = $9,
        one_vote_each = $10,
        shape = $11,
        theme = $12,
        for_colour = $13,
        against_colour = $14,
        position = $15,
        flipped = $16,
        hint = $17,
        counts = $18,
        percentages = $19,
        mod_commands = $20,
        paused = paused AND $20,
        hidden = hidden AND $20,
        edited_version = version + 1
    WHERE user_id = $1
      AND ($7::bigint IS NULL OR $7 >= edited_version)
    RETURNING version
)
SELECT (SELECT version FROM saved) AS version,
       EXISTS (SELECT 1 FROM configs WHERE user_id = $1) AS is_known
