SELECT overlay
FROM streamers
WHERE id = :id
