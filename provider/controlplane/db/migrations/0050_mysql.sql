-- Where the MariaDB server is, for processes that do not host it; one row. process_no: the host.
CREATE TABLE mysql_server (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    process_no  integer NOT NULL,
    host        text NOT NULL,
    port        integer NOT NULL,
    password    text NOT NULL
);

ALTER TABLE pool_instances ADD db_type text NOT NULL DEFAULT 'postgres';

-- connections_applied: the limit that the engine was last told, where it cannot be told in the row's transaction.
-- writes_stopped: the storage limit is reached; set before writing is stopped, unset after it is allowed again.
ALTER TABLE databases
    ADD connections_applied  integer,
    ADD writes_stopped       boolean NOT NULL DEFAULT false,
    ADD storage_warned       boolean NOT NULL DEFAULT false;

-- Names are taken on a server, not in the whole house.
DROP INDEX databases_in_use;
CREATE UNIQUE INDEX databases_in_use ON databases (db_type, db_name) WHERE destroyed_at IS NULL;
