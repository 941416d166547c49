-- Saves settings unless they are based on a version older than the last save: then no row is written or returned.
-- A save counts as an edit even if it changes nothing. Turning the moderators' commands off also undoes what they did,
-- since they could not undo it any more. Returns the row as stored.
UPDATE configs
SET settings = :settings,
    version = version + 1,
    edited_version = version + 1,
    paused = paused AND :may_command,
    hidden = hidden AND :may_command,
    updated_at_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER)
WHERE user_id = :user_id
  AND (:based_on IS NULL OR :based_on >= edited_version)
RETURNING user_id, settings, version, paused, hidden
