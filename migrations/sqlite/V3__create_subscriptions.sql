-- The one conduit at Twitch that is ours.
CREATE TABLE conduits (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    id       TEXT NOT NULL
) STRICT;

-- What we made at Twitch, one a chat. A broadcaster need not have an account here.
CREATE TABLE subscriptions (
    broadcaster TEXT PRIMARY KEY,
    id          TEXT NOT NULL,
    reader      TEXT NOT NULL,
    conduit     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
