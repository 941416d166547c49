-- The update changes nothing; it lets the statement return the row that is there already.
--
-- $1 what is claimed · $2 who claims it
INSERT INTO login_claims (subject, holder)
VALUES ($1, $2)
ON CONFLICT (subject) DO UPDATE
SET subject = excluded.subject
RETURNING holder
