-- The newest requests, for the console and for whoever looks for a mistake. Secrets are masked before they get here.
-- Unlogged: it may be lost in a crash of PostgreSQL, and costs no write-ahead log. headers, …_body: JSON.
CREATE UNLOGGED TABLE request_log (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                timestamptz NOT NULL,
    request_id        text NOT NULL,
    key_id            integer,
    key_preview       text,
    method            text NOT NULL,
    target            text NOT NULL,
    operation         text,
    status            integer NOT NULL,
    code              text,
    ms                double precision NOT NULL,
    headers           json NOT NULL,
    request_body      text,
    request_is_cut    boolean NOT NULL,
    response_body     text NOT NULL,
    response_is_cut   boolean NOT NULL
);
