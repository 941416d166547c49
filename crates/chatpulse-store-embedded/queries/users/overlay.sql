SELECT overlay_uuid
FROM users
WHERE id = :id
