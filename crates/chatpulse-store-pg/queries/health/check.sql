-- Reads a table of ours, whether or not there is an account.
SELECT EXISTS (SELECT 1 FROM users)
