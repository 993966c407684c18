-- Where to tell of events. An endpoint belongs to its user. The secret is kept as it is because signing needs it.
-- events: empty = all. status: active, revoked.
CREATE TABLE webhook_endpoints (
    id               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id          integer NOT NULL REFERENCES users,
    url              text NOT NULL,
    events           text[] NOT NULL,
    secret           text NOT NULL,
    status           text NOT NULL DEFAULT 'active',
    last_success_at  timestamptz,
    last_failure_at  timestamptz,
    created_at       timestamptz NOT NULL
);
CREATE INDEX webhook_endpoints_listed ON webhook_endpoints (user_id, created_at DESC, id DESC);

-- The outbox and its history. body: what is signed and sent, to the byte.
-- status: pending, delivered, failed. owner: the process that is sending it now.
-- not_before: when it is due; while it is being sent, when it is due again should the sender get lost.
CREATE TABLE webhook_deliveries (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id    integer NOT NULL REFERENCES webhook_endpoints,
    event_type     text NOT NULL,
    body           text NOT NULL,
    status         text NOT NULL DEFAULT 'pending',
    response_code  integer,
    error_message  text,
    attempt_count  integer NOT NULL DEFAULT 0,
    owner          integer,
    not_before     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL
);
CREATE INDEX webhook_deliveries_open ON webhook_deliveries (not_before, id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (endpoint_id, created_at DESC, id DESC);
