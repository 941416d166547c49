-- Null leaves a column as it is. The trigger raises the version.
--
-- $1 user · $2 paused · $3 hidden
-- Returns the row as stored.
UPDATE configs
SET paused = coalesce($2, paused),
    hidden = coalesce($3, hidden)
WHERE user_id = $1
RETURNING user_id, settings, version, paused, hidden
