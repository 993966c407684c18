-- Two blueprints that everyone has.
WITH added AS (
    INSERT INTO blueprints (uuid, name, slug, description, sql_content, variables, created_at, updated_at) VALUES (
        '5b1f7a52-0c3e-4d0a-9a44-2f6c1d7e0a01', 'Audit log', 'audit-log',
        'A table and a trigger function that records every change of the tables it is attached to',
        $sql$CREATE TABLE audit_log (
    id          bigserial PRIMARY KEY,
    table_name  text NOT NULL,
    action      text NOT NULL,
    old_row     jsonb,
    new_row     jsonb,
    changed_by  text NOT NULL DEFAULT current_user,
    changed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO audit_log (table_name, action, old_row, new_row)
    VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END
$body$;$sql$, NULL, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
    ('5b1f7a52-0c3e-4d0a-9a44-2f6c1d7e0a02', 'Updated-at trigger', 'updated-at-trigger',
        'A trigger function that keeps a timestamp column at the time of the last change',
        $sql$CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$body$;$sql$, NULL, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')
    RETURNING id, version, sql_content, created_at
)
INSERT INTO blueprint_versions (blueprint_id, version, sql_content, created_at)
SELECT id, version, sql_content, created_at FROM added;
