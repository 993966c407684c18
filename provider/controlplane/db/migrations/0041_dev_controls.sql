-- What the admin API sets, for all processes that share this store; one row.
-- clock_offset: added to the machine's clock; frozen_at: the time instead, where it stands still.
-- provision_delay, pool_size: instead of the settings of each process. provision_failures: attempts that are still to fail.
-- ids_seed: makes the ids that follow the same in every run; ids_made counts them.
CREATE TABLE dev_controls (
    only_row            boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    clock_offset        interval NOT NULL DEFAULT '0',
    frozen_at           timestamptz,
    provision_delay     double precision,
    pool_size           integer,
    provision_failures  integer NOT NULL DEFAULT 0,
    ids_seed            text,
    ids_made            integer NOT NULL DEFAULT 0
);
INSERT INTO dev_controls DEFAULT VALUES;

-- What goes wrong on purpose. operation: an operation id or '*'. remaining: null = for ever. skip: calls let through first.
CREATE TABLE fault_rules (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation    text NOT NULL,
    effect       text NOT NULL,
    status       integer,
    seconds      double precision,
    probability  double precision NOT NULL,
    skip         integer NOT NULL,
    remaining    integer,
    applied      integer NOT NULL DEFAULT 0
);

-- Webhooks sent to the control plane itself, for whoever has no server at hand to receive them.
CREATE TABLE inbox (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    headers      json NOT NULL,
    body         text NOT NULL,
    received_at  timestamptz NOT NULL
);
CREATE INDEX inbox_listed ON inbox (name, id DESC);
