-- Our conduit at Twitch: at most one.
CREATE TABLE conduits (
    only_one INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_one = 1),
    id       TEXT NOT NULL
) STRICT;

-- Our chat subscriptions at Twitch, one per channel. A broadcaster need not be in `users`.
CREATE TABLE eventsub_subscriptions (
    broadcaster TEXT PRIMARY KEY,
    id          TEXT NOT NULL,
    -- The account that reads the chat.
    reader      TEXT NOT NULL,
    conduit     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
