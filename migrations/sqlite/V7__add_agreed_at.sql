-- When a user agreed last, by logging in: what they took back before that does not end it. Null: before this was noted.
ALTER TABLE tokens ADD COLUMN agreed_at_ms INTEGER;
