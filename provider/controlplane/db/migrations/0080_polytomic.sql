-- Queries of Polytomic's query runner (`polykomos dev --vendor polytomic`). status: created, running, done, failed.
-- owner: the process that runs it. No foreign keys: a result is independent of its database until it expires.
CREATE TABLE polytomic_queries (
    id           uuid PRIMARY KEY,
    user_id      integer NOT NULL,
    database_id  integer NOT NULL,
    sql          text,
    status       text NOT NULL DEFAULT 'created',
    owner        integer,
    fields       json NOT NULL DEFAULT '[]',
    results      json NOT NULL DEFAULT '[]',
    count        integer NOT NULL DEFAULT 0,
    error        text,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX polytomic_queries_open ON polytomic_queries (created_at, id) WHERE status IN ('created', 'running');
