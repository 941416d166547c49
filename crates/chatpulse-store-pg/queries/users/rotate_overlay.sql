-- $1 user · $2 the new address
-- Returns the address before. Of rotations at once the later waits for the earlier, and replaces what that one left.
WITH before AS (
    SELECT id, overlay_uuid
    FROM users
    WHERE id = $1
    FOR UPDATE
)
UPDATE users
SET overlay_uuid = $2,
    updated_at = now()
FROM before
WHERE users.id = before.id
RETURNING before.overlay_uuid AS old_overlay_uuid
