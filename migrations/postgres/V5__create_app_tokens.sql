-- The application's own token, encrypted: one for all instances.
CREATE TABLE app_tokens (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    sealed   bytea NOT NULL
);
