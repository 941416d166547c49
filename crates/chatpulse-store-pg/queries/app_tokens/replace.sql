-- $1 as it was read · $2 as it is now
UPDATE app_tokens
SET sealed = $2
WHERE sealed = $1
