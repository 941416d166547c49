-- Accounts of streamers. Tokens are encrypted before they are stored; a query that shows an overlay never selects them.
CREATE TABLE users (
    id                uuid PRIMARY KEY,
    -- Order of first logins.
    seq               bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    twitch_id         text NOT NULL UNIQUE,
    login             text NOT NULL,
    display_name      text NOT NULL,
    overlay_uuid      uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    -- Null: the user ended the connection at Twitch.
    sealed_tokens     bytea,
    -- Last validation of the tokens at Twitch. Null: not since the login.
    tokens_checked_at timestamptz,
    -- Last login. A revocation from before it does not count.
    agreed_at         timestamptz NOT NULL DEFAULT now(),
    created_at        timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX users_by_token_check ON users (tokens_checked_at NULLS FIRST) WHERE sealed_tokens IS NOT NULL;
