-- Reads a page of the file, whether or not there is an account.
SELECT EXISTS (SELECT 1 FROM users)
