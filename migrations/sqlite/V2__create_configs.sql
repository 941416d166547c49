-- Settings of streamers, one document each. Its fields are those of `OverlaySettings` in chatpulse-domain.
CREATE TABLE configs (
    user_id        TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    settings       TEXT NOT NULL CHECK (json_type(settings) = 'object'),
    -- Rises with every write, so that sessions can tell which settings are newer.
    version        INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    -- Version of the last write that changed the settings. A dashboard page older than this is stale.
    edited_version INTEGER NOT NULL DEFAULT 1,
    -- Set by moderators in chat.
    paused         INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    hidden         INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),
    updated_at_ms  INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT, WITHOUT ROWID;
