UPDATE app_tokens
SET sealed = :new
WHERE sealed = :old
