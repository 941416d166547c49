-- Tokens, settings and logins go with the account.
DELETE FROM streamers
WHERE id = :id
