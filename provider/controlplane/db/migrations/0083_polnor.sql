-- Polnor's data platform (`polykomos dev --vendor polnor`). A workspace is the primary team of the caller.
CREATE TABLE polnor_tokens (
    hash        bytea PRIMARY KEY,
    key_hash    bytea NOT NULL,
    expires_at  timestamptz NOT NULL
);
-- status: the last one that was requested; `settles_at`: when a start or stop is over. `used_at`: for auto_stop.
CREATE TABLE polnor_machines (
    id          text PRIMARY KEY,
    team_id     integer NOT NULL,
    kind        text NOT NULL,
    name        text NOT NULL,
    flavor      text,
    region      text,
    auto_stop   text NOT NULL DEFAULT 'never',
    image       text,
    status      text NOT NULL DEFAULT 'stopped',
    settles_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (team_id, kind, name)
);
CREATE TABLE polnor_jobs (
    id          text PRIMARY KEY,
    team_id     integer NOT NULL,
    name        text NOT NULL,
    command     text,
    tasks       json NOT NULL DEFAULT '[]'
);
-- owner: the process that runs it.
CREATE TABLE polnor_runs (
    id           text PRIMARY KEY,
    team_id      integer NOT NULL,
    job_id       text NOT NULL,
    status       text NOT NULL DEFAULT 'pending',
    is_cancelled boolean NOT NULL DEFAULT false,
    is_single    boolean NOT NULL,
    owner        integer,
    created_at   timestamptz NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz
);
CREATE INDEX polnor_runs_open ON polnor_runs (created_at, id) WHERE status IN ('pending', 'running');
CREATE TABLE polnor_tasks (
    run_id          text NOT NULL REFERENCES polnor_runs ON DELETE CASCADE,
    position        integer NOT NULL,
    key             text NOT NULL,
    command         text NOT NULL,
    depends_on      text[] NOT NULL,
    max_retries     integer NOT NULL,
    timeout_seconds integer,
    status          text NOT NULL DEFAULT 'pending',
    retry_count     integer NOT NULL DEFAULT 0,
    logs            text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, key)
);
CREATE TABLE polnor_endpoints (
    id          text PRIMARY KEY,
    team_id     integer NOT NULL,
    name        text NOT NULL,
    model       text NOT NULL,
    version     integer NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (team_id, name)
);
CREATE TABLE polnor_metrics (
    team_id     integer NOT NULL,
    experiment  text NOT NULL,
    run         text NOT NULL,
    key         text NOT NULL,
    value       double precision NOT NULL,
    step        bigint,
    logged_at   timestamptz NOT NULL
);
CREATE INDEX polnor_metrics_history ON polnor_metrics (team_id, experiment, run, key, step);
CREATE TABLE polnor_audit (
    team_id     integer NOT NULL,
    action      text NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX polnor_audit_days ON polnor_audit (team_id, at);
-- Iceberg's catalog; pyiceberg makes its own tables.
CREATE SCHEMA polnor_catalog;
