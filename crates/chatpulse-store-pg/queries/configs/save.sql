-- Saves settings unless they are based on a version older than the last save. `FOR UPDATE` makes concurrent saves wait
-- for each other, and each sees what the one before wrote. A save counts as an edit even if it changes nothing. Turning
-- the moderators' commands off also undoes what they did, since they could not undo it any more.
--
-- $1 user · $2 settings · $3 the version they are based on, or null · $4 moderators may use their commands
-- Returns the row as stored, and whether this call wrote it. No row: no such user.
WITH before AS (
    SELECT user_id, settings, version, edited_version, paused, hidden
    FROM configs
    WHERE user_id = $1
    FOR UPDATE
), saved AS (
    UPDATE configs
    SET settings = $2,
        paused = before.paused AND $4,
        hidden = before.hidden AND $4,
        edited_version = before.version + 1
    FROM before
    WHERE configs.user_id = before.user_id
      AND ($3::bigint IS NULL OR $3 >= before.edited_version)
    RETURNING configs.user_id, configs.settings, configs.version, configs.paused, configs.hidden
)
SELECT true AS is_saved, user_id, settings, version, paused, hidden
FROM saved
UNION ALL
SELECT false, user_id, settings, version, paused, hidden
FROM before
WHERE NOT EXISTS (SELECT 1 FROM saved)
