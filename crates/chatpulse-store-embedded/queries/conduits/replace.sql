UPDATE conduits
SET id = :new
WHERE id = :old
