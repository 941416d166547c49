-- When a login began and in which browser, for the list of one's logins.
-- Null: it began before this column was there, so it counts as old.
ALTER TABLE login_sessions ADD COLUMN started_at_ms INTEGER;
-- In words, such as "Firefox on Windows".
ALTER TABLE login_sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';
