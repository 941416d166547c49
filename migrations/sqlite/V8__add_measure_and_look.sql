-- What moves the bar, and how it looks. Null seconds: a share counts until the streamer resets it.
ALTER TABLE settings ADD COLUMN measure TEXT NOT NULL DEFAULT 'momentum' CHECK (measure IN ('momentum', 'share'));
ALTER TABLE settings ADD COLUMN window_secs INTEGER DEFAULT 30 CHECK (window_secs BETWEEN 5 AND 120);
ALTER TABLE settings ADD COLUMN one_vote_each INTEGER NOT NULL DEFAULT 0 CHECK (one_vote_each IN (0, 1));
ALTER TABLE settings ADD COLUMN shape TEXT NOT NULL DEFAULT 'bar' CHECK (shape IN ('bar', 'two_bars'));
ALTER TABLE settings ADD COLUMN theme TEXT NOT NULL DEFAULT 'dark' CHECK (theme IN ('dark', 'light', 'transparent'));
ALTER TABLE settings ADD COLUMN for_colour TEXT NOT NULL DEFAULT '#35c2ff' CHECK (length(for_colour) = 7);
ALTER TABLE settings ADD COLUMN against_colour TEXT NOT NULL DEFAULT '#ffb347' CHECK (length(against_colour) = 7);
ALTER TABLE settings ADD COLUMN position TEXT NOT NULL DEFAULT 'middle' CHECK (position IN ('top', 'middle', 'bottom'));
ALTER TABLE settings ADD COLUMN flipped INTEGER NOT NULL DEFAULT 0 CHECK (flipped IN (0, 1));
ALTER TABLE settings ADD COLUMN hint INTEGER NOT NULL DEFAULT 0 CHECK (hint IN (0, 1));
ALTER TABLE settings ADD COLUMN counts INTEGER NOT NULL DEFAULT 0 CHECK (counts IN (0, 1));
ALTER TABLE settings ADD COLUMN percentages INTEGER NOT NULL DEFAULT 0 CHECK (percentages IN (0, 1));
