UPDATE users
SET overlay_uuid = $2,
    updated_at = now()
WHERE id = $1
