-- Our conduit at Twitch: at most one.
CREATE TABLE conduits (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id       text NOT NULL
);

-- Our chat subscriptions at Twitch, one per channel. A broadcaster need not be in `users`.
CREATE TABLE eventsub_subscriptions (
    broadcaster text PRIMARY KEY,
    id          text NOT NULL,
    -- The account that reads the chat.
    reader      text NOT NULL,
    conduit     text NOT NULL
);
