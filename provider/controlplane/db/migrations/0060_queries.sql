-- Every query in plain language that was tried; its id is the API's query_id. The rows of an answer are never kept.
-- status: running, succeeded, failed, refused, lost (its process died). kind: select, write, ddl_batch.
-- rows: returned, written or, of DDL, statements run. owner: the process that runs it.
CREATE TABLE query_executions (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_id  integer NOT NULL REFERENCES databases,
    user_id      integer NOT NULL REFERENCES users,
    text         text NOT NULL,
    sql          text,
    kind         text,
    status       text NOT NULL DEFAULT 'running',
    error_code   text,
    error        text,
    rows         integer,
    duration_ms  integer,
    owner        integer NOT NULL,
    created_at   timestamptz NOT NULL
);
CREATE INDEX query_executions_of_a_database ON query_executions (database_id, id DESC);
CREATE INDEX query_executions_open ON query_executions (id) WHERE status = 'running';

-- How many a team has tried on a UTC day, for each limit apart: databases of one plan share it.
CREATE TABLE query_usage (
    team_id  integer NOT NULL REFERENCES teams,
    plan     text NOT NULL,
    day      date NOT NULL,
    used     integer NOT NULL,
    PRIMARY KEY (team_id, plan, day)
);
