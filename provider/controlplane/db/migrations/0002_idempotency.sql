-- Replies kept under an Idempotency-Key, written in the transaction of the change itself.
-- pending_owner: the process that still waits for something before it answers; null once the reply is final.
CREATE TABLE idempotency_keys (
    api_key_id     integer NOT NULL REFERENCES api_keys,
    key            text NOT NULL,
    fingerprint    bytea NOT NULL,
    status         integer NOT NULL,
    body           json NOT NULL,
    pending_owner  integer,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (api_key_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
