-- What a key may do beside its scopes. Null: unlimited. allowed_ip_list: addresses and networks; empty = any.
ALTER TABLE api_keys
    ADD COLUMN monthly_quota integer,
    ADD COLUMN allowed_ip_list text[] NOT NULL DEFAULT '{}',
    ADD COLUMN inactive_ttl_days integer;

-- What a key has used: requests of each second of the last minute (Unix time, same index), and of the month.
CREATE TABLE key_usage (
    api_key_id   integer PRIMARY KEY REFERENCES api_keys ON DELETE CASCADE,
    seconds      bigint[] NOT NULL DEFAULT '{}',
    counts       integer[] NOT NULL DEFAULT '{}',
    month        date,
    month_count  integer NOT NULL DEFAULT 0
);
