-- $1 as it was read · $2 as it is now
UPDATE conduits
SET id = $2,
    updated_at = now()
WHERE id = $1
