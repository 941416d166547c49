UPDATE users
SET overlay_uuid = :overlay_uuid
WHERE id = :id
