-- The one conduit at Twitch that is ours.
CREATE TABLE conduits (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id         text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What we made at Twitch, one a chat. A broadcaster need not have an account here.
CREATE TABLE eventsub_subscriptions (
    broadcaster text PRIMARY KEY,
    id          text NOT NULL,
    reader      text NOT NULL,
    conduit     text NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
