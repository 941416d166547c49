-- Settings and logins go with the account.
DELETE FROM users
WHERE id = :id
