-- $1 the recorded conduit · $2 its replacement
UPDATE conduits
SET id = $2
WHERE id = $1
