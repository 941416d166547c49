-- The application's own token, encrypted.
CREATE TABLE app_tokens (
    only_one INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_one = 1),
    sealed   BLOB NOT NULL
) STRICT;
