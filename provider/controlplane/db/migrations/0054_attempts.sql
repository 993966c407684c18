-- Tries of an application that failed for a reason of the control plane's own. tries_alike: in a row, for last_reason.
-- not_before: real time, whatever the admin API has set the clock to.
-- backend_pid, backend_start: the PostgreSQL session that the last try used.
ALTER TABLE blueprint_applications
    ADD tries integer NOT NULL DEFAULT 0,
    ADD tries_alike integer NOT NULL DEFAULT 0,
    ADD last_reason text,
    ADD not_before timestamptz,
    ADD backend_pid integer,
    ADD backend_start timestamptz;
