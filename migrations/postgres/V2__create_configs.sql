-- Settings of streamers, one document each. Its fields are those of `OverlaySettings` in chatpulse-domain.
CREATE TABLE configs (
    user_id        uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    settings       jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    -- Rises with every write, so that instances can tell which settings are newer.
    version        bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    -- Version of the last write that changed the settings. A dashboard page older than this is stale.
    edited_version bigint NOT NULL DEFAULT 1,
    -- Set by moderators in chat.
    paused         boolean NOT NULL DEFAULT false,
    hidden         boolean NOT NULL DEFAULT false,
    updated_at     timestamptz NOT NULL DEFAULT now()
);

-- A trigger, so that a write by hand raises the versions too.
CREATE FUNCTION raise_config_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    IF NEW.settings IS DISTINCT FROM OLD.settings THEN
        NEW.edited_version := NEW.version;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER configs_raise_version
BEFORE UPDATE ON configs
FOR EACH ROW EXECUTE FUNCTION raise_config_version();
