-- What streamers have set. Triggers as typed, in their order.
CREATE TABLE configs (
    user_id          uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    version          bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    for_triggers     text[] NOT NULL,
    against_triggers text[] NOT NULL,
    left_label       text NOT NULL,
    right_label      text NOT NULL,
    decay_speed      double precision NOT NULL CHECK (decay_speed BETWEEN 0.1 AND 2.0),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

-- Instances compare versions to see who has the newer settings, so no write gets by without a new one, by hand neither.
CREATE FUNCTION raise_config_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER configs_raise_version
BEFORE UPDATE ON configs
FOR EACH ROW EXECUTE FUNCTION raise_config_version();
