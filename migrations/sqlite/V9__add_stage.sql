-- What moderators did from chat: it stays until they undo it. Theirs are writes too, but what a streamer edits on the
-- dashboard meanwhile is compared with the last write of the dashboard's own fields.
ALTER TABLE settings ADD COLUMN mod_commands INTEGER NOT NULL DEFAULT 1 CHECK (mod_commands IN (0, 1));
ALTER TABLE settings ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));
ALTER TABLE settings ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1));
ALTER TABLE settings ADD COLUMN edited_version INTEGER NOT NULL DEFAULT 1;
-- So far every write was an edit.
UPDATE settings SET edited_version = version;
