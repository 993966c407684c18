-- Who may call. Only the SHA-256 of a key is kept, with the preview that GET /me shows.
CREATE SEQUENCE process_numbers AS integer CYCLE;

CREATE TABLE users (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    email       text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL
);

CREATE TABLE teams (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL
);

CREATE TABLE memberships (
    user_id     integer NOT NULL REFERENCES users,
    team_id     integer NOT NULL REFERENCES teams,
    is_primary  boolean NOT NULL,
    PRIMARY KEY (user_id, team_id)
);
CREATE UNIQUE INDEX one_primary_team ON memberships (user_id) WHERE is_primary;

CREATE TABLE api_keys (
    id                   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id              integer NOT NULL REFERENCES users,
    name                 text NOT NULL,
    hash                 bytea NOT NULL UNIQUE,
    preview              text NOT NULL,
    scopes               text[] NOT NULL,
    status               text NOT NULL DEFAULT 'active',
    requests_per_minute  integer NOT NULL DEFAULT 120,  -- 0 = no limit
    last_used_at         timestamptz,
    created_at           timestamptz NOT NULL,
    UNIQUE (user_id, name)
);
