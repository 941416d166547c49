-- `FOR UPDATE` makes concurrent rotations wait for each other; the later one replaces the address of the earlier.
--
-- $1 user · $2 the new address
-- Returns the address before.
WITH before AS (
    SELECT id, overlay_uuid
    FROM users
    WHERE id = $1
    FOR UPDATE
)
UPDATE users
SET overlay_uuid = $2
FROM before
WHERE users.id = before.id
RETURNING before.overlay_uuid AS old_overlay_uuid
