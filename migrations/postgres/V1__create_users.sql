-- Streamers' accounts. Tokens are sealed before they come here; whoever shows an overlay never reads that column.
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    -- The order of first logins.
    seq           bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    twitch_id     text NOT NULL UNIQUE,
    login         text NOT NULL,
    display_name  text NOT NULL,
    overlay_uuid  uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    sealed_tokens bytea NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
