-- When a user agreed last, by logging in: what they took back before that does not end it. Null: before this was noted.
ALTER TABLE users ADD COLUMN agreed_at timestamptz;
