UPDATE streamers
SET overlay = :overlay
WHERE id = :id
