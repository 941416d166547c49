-- The update changes nothing; it lets the statement return the row that is there already.
INSERT INTO login_claims (subject, holder)
VALUES (:subject, :holder)
ON CONFLICT (subject) DO UPDATE
SET subject = excluded.subject
RETURNING holder
