-- Null leaves a column as it is. Returns the row as stored.
UPDATE configs
SET version = version + 1,
    paused = coalesce(:paused, paused),
    hidden = coalesce(:hidden, hidden),
    updated_at_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER)
WHERE user_id = :user_id
RETURNING user_id, settings, version, paused, hidden
