-- When a login began and in which browser, for the list of one's logins.
ALTER TABLE login_sessions
    -- Null: it began before this column was there, so it counts as old.
    ADD COLUMN started_at timestamptz,
    -- In words, such as "Firefox on Windows".
    ADD COLUMN browser text NOT NULL DEFAULT '';
