-- What streamers have set. Triggers are JSON arrays of texts, as typed, in their order.
CREATE TABLE settings (
    streamer_id      TEXT PRIMARY KEY REFERENCES streamers (id) ON DELETE CASCADE,
    version          INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    for_triggers     TEXT NOT NULL CHECK (json_type(for_triggers) = 'array'),
    against_triggers TEXT NOT NULL CHECK (json_type(against_triggers) = 'array'),
    left_label       TEXT NOT NULL,
    right_label      TEXT NOT NULL,
    decay_speed      REAL NOT NULL CHECK (decay_speed BETWEEN 0.1 AND 2.0)
) STRICT, WITHOUT ROWID;
