-- What moves the bar, and how it looks. Null seconds: a share counts until the streamer resets it.
ALTER TABLE configs
    ADD COLUMN measure        text NOT NULL DEFAULT 'momentum' CHECK (measure IN ('momentum', 'share')),
    ADD COLUMN window_secs    smallint DEFAULT 30 CHECK (window_secs BETWEEN 5 AND 120),
    ADD COLUMN one_vote_each  boolean NOT NULL DEFAULT false,
    ADD COLUMN shape          text NOT NULL DEFAULT 'bar' CHECK (shape IN ('bar', 'two_bars')),
    ADD COLUMN theme          text NOT NULL DEFAULT 'dark' CHECK (theme IN ('dark', 'light', 'transparent')),
    ADD COLUMN for_colour     text NOT NULL DEFAULT '#35c2ff' CHECK (for_colour ~ '^#[0-9a-f]{6}$'),
    ADD COLUMN against_colour text NOT NULL DEFAULT '#ffb347' CHECK (against_colour ~ '^#[0-9a-f]{6}$'),
    ADD COLUMN position       text NOT NULL DEFAULT 'middle' CHECK (position IN ('top', 'middle', 'bottom')),
    ADD COLUMN flipped        boolean NOT NULL DEFAULT false,
    ADD COLUMN hint           boolean NOT NULL DEFAULT false,
    ADD COLUMN counts         boolean NOT NULL DEFAULT false,
    ADD COLUMN percentages    boolean NOT NULL DEFAULT false;
