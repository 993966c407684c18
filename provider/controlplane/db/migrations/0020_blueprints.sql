-- Versioned SQL. user_id null: a system blueprint, shared and immutable. variables: the definitions as they were given.
CREATE TABLE blueprints (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid         uuid NOT NULL UNIQUE,
    user_id      integer REFERENCES users,
    name         text NOT NULL,
    slug         text NOT NULL,
    description  text,
    version      integer NOT NULL DEFAULT 1,
    sql_content  text NOT NULL,
    variables    json,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz
);
CREATE UNIQUE INDEX one_slug_an_owner ON blueprints (coalesce(user_id, 0), slug) WHERE deleted_at IS NULL;
CREATE INDEX blueprints_listed ON blueprints (created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Every version's SQL, for the record of what an application ran.
CREATE TABLE blueprint_versions (
    blueprint_id  integer NOT NULL REFERENCES blueprints,
    version       integer NOT NULL,
    sql_content   text NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (blueprint_id, version)
);

-- A run of a blueprint in a database. rendered_sql: with the variables' values in it.
-- owner: the process that runs it. at_creation: run by the provisioning job, not by the worker of this room.
-- xid: the tenant transaction's id, written just before its COMMIT, with the log of what it did. After a crash
-- pg_xact_status(xid) tells whether it was committed; while it is null nothing can have been.
CREATE TABLE blueprint_applications (
    id                    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    blueprint_id          integer NOT NULL REFERENCES blueprints,
    blueprint_version     integer NOT NULL,
    database_id           integer NOT NULL REFERENCES databases,
    user_id               integer NOT NULL REFERENCES users,
    rendered_sql          text NOT NULL,
    variable_values       json,
    is_dry_run            boolean NOT NULL,
    at_creation           boolean NOT NULL DEFAULT false,
    status                text NOT NULL DEFAULT 'pending',
    owner                 integer,
    xid                   xid8,
    execution_log         json,
    statements_total      integer NOT NULL,
    statements_succeeded  integer NOT NULL DEFAULT 0,
    statements_failed     integer NOT NULL DEFAULT 0,
    total_duration_ms     integer,
    error_message         text,
    started_at            timestamptz,
    completed_at          timestamptz,
    created_at            timestamptz NOT NULL
);
CREATE INDEX blueprint_applications_open ON blueprint_applications (id) WHERE status IN ('pending', 'running');

-- The unprivileged role that dry-runs SQL in the sandbox database; one row.
CREATE TABLE scratch (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    password  text NOT NULL
);
