-- What moderators did from chat: it stays until they undo it. Theirs are writes too, but what a streamer edits on the
-- dashboard meanwhile is compared with the last write of anything else.
ALTER TABLE configs
    ADD COLUMN mod_commands   boolean NOT NULL DEFAULT true,
    ADD COLUMN paused         boolean NOT NULL DEFAULT false,
    ADD COLUMN hidden         boolean NOT NULL DEFAULT false,
    ADD COLUMN edited_version bigint NOT NULL DEFAULT 1;

-- So far every write was an edit; noting that is none.
ALTER TABLE configs DISABLE TRIGGER configs_raise_version;
UPDATE configs SET edited_version = version;
ALTER TABLE configs ENABLE TRIGGER configs_raise_version;

CREATE OR REPLACE FUNCTION raise_config_version() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    not_edited CONSTANT text[] := ARRAY['paused', 'hidden', 'version', 'edited_version', 'updated_at'];
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    -- Also by hand.
    IF to_jsonb(NEW) - not_edited IS DISTINCT FROM to_jsonb(OLD) - not_edited THEN
        NEW.edited_version := NEW.version;
    END IF;
    RETURN NEW;
END
$$;
