-- What the admin API has set aside. Each has a schema `snapshot_<id>` with the tables as they were.
CREATE TABLE snapshots (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL
);
