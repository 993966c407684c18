-- A raw instance (role u<id>, database instance_<id>) and the database it becomes share one number.
CREATE SEQUENCE instance_numbers AS integer;

-- Instances made ahead of need. owner: the process that is building it; null once it is ready.
CREATE TABLE pool_instances (
    id          integer PRIMARY KEY DEFAULT nextval('instance_numbers'),
    owner       integer,
    is_ready    boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL
);

-- The password is kept as it is because GET must show it; this store is private to the control plane.
-- is_assigned: the instance carries db_name and the tenant's password; false while it is still to be built.
-- Quota columns hold overrides; null = the plan's default. db_name never changes after creation (S2).
CREATE TABLE databases (
    id                     integer PRIMARY KEY,
    uuid                   uuid NOT NULL UNIQUE,
    team_id                integer NOT NULL REFERENCES teams,
    name                   text NOT NULL,
    db_type                text NOT NULL,
    region                 text NOT NULL,
    plan                   text NOT NULL,
    status                 text NOT NULL,
    db_name                text NOT NULL,
    db_username            text NOT NULL,
    db_password            text NOT NULL,
    is_assigned            boolean NOT NULL,
    storage_hard_limit_gb  double precision,
    connection_hard_limit  integer,
    warning_threshold_pct  integer,
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    deleted_at             timestamptz,
    destroy_after          timestamptz,
    destroyed_at           timestamptz
);
CREATE UNIQUE INDEX databases_in_use ON databases (db_name) WHERE destroyed_at IS NULL;
CREATE INDEX databases_listed ON databases (created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX databases_to_destroy ON databases (destroy_after) WHERE destroyed_at IS NULL AND deleted_at IS NOT NULL;

-- One job a database that was not served from the pool.
-- state: queued, running, done, cancelled, failed. owner: the process that runs it.
-- application_id: the blueprint application that belongs to the creation.
CREATE TABLE provision_jobs (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_id     integer NOT NULL REFERENCES databases,
    application_id  integer,
    state           text NOT NULL DEFAULT 'queued',
    owner           integer,
    not_before      timestamptz NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    last_error      text,
    created_at      timestamptz NOT NULL
);
CREATE INDEX provision_jobs_open ON provision_jobs (not_before) WHERE state IN ('queued', 'running');
CREATE INDEX provision_jobs_by_database ON provision_jobs (database_id);
