SELECT id
FROM conduits
