-- Pragma's resources, dead letters and builds (`polykomos dev --vendor pragma`). An organization is a team.
-- lifecycle_state: draft, pending, processing, ready, failed. owner: the process that processes it.
CREATE TABLE pragma_resources (
    team_id          integer NOT NULL,
    id               text NOT NULL,
    provider         text NOT NULL,
    resource         text NOT NULL,
    name             text NOT NULL,
    config           json NOT NULL,
    tags             text[] NOT NULL,
    lifecycle_state  text NOT NULL,
    outputs          json NOT NULL DEFAULT '{}',
    error            text,
    owner            integer,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (team_id, id)
);
CREATE INDEX pragma_resources_open ON pragma_resources (updated_at, id)
    WHERE lifecycle_state IN ('pending', 'processing');

CREATE TABLE pragma_dead_letters (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id        integer NOT NULL,
    provider       text NOT NULL,
    resource_type  text NOT NULL,
    resource_name  text NOT NULL,
    event_type     text NOT NULL,
    error_message  text NOT NULL,
    attempt_count  integer NOT NULL DEFAULT 1,
    failed_at      timestamptz NOT NULL
);

-- status: building, success, failed. Of the code itself only the hash is stored.
CREATE TABLE pragma_builds (
    team_id        integer NOT NULL,
    provider       text NOT NULL,
    version        integer NOT NULL,
    sha256         bytea NOT NULL,
    status         text NOT NULL DEFAULT 'building',
    error_message  text,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (team_id, provider, version)
);
