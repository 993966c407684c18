"""The storage limit of a PostgreSQL tenant (docs/decisions/0010).

The tenant keeps owning everything, so that it can DELETE, TRUNCATE, DROP and VACUUM. What adds is refused by things
that belong to the superuser: a statement trigger on every table, an event trigger for commands that make or change
objects, and withdrawn functions for large objects. Only the superuser can take those away.
"""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from controlplane.store.pool import Connection, Row

SCHEMA: Final = "polykomos_storage"
_TRIGGER: Final = "polykomos_storage_limit"
_LOCK_MS: Final = 1_000
_TOLD: Final = "the storage limit of this database is reached: delete rows or drop objects, or raise its quota"
# Commands that make nothing larger; those on roles and databases are not the tenant's anyway.
_ALLOWED: Final = (
    "DROP TABLE", "DROP INDEX", "DROP VIEW", "DROP MATERIALIZED VIEW", "DROP SCHEMA", "DROP SEQUENCE", "DROP FUNCTION",
    "DROP PROCEDURE", "DROP ROUTINE", "DROP AGGREGATE", "DROP TYPE", "DROP DOMAIN", "DROP EXTENSION", "DROP OWNED",
)  # fmt: skip
_LARGE_OBJECT_FUNCTIONS: Final = (
    "lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)",
    "lowrite(integer, bytea)",
)  # fmt: skip

_FUNCTIONS: Final = sql.SQL("""
CREATE OR REPLACE FUNCTION {schema}.refuse_rows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = {told};
END $$;
CREATE OR REPLACE FUNCTION {schema}.refuse_command() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    IF tg_tag <> ALL ({allowed}) AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
        RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = {told};
    END IF;
END $$;
GRANT USAGE ON SCHEMA {schema} TO PUBLIC;
""")

# Tables whose rows the tenant can change, with the columns that the deletion of a row elsewhere sets (ON DELETE SET
# NULL or DEFAULT): that update is part of a DELETE. A table with row triggers of its own could turn it into more.
_TABLES: Final = """
SELECT c.oid, n.nspname AS schema, c.relname AS name,
       array(SELECT DISTINCT a.attname::text FROM pg_constraint k CROSS JOIN unnest(k.conkey) AS key(number)
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.number
             WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confdeltype IN ('n', 'd')
             AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                             AND t.tgtype & 16 <> 0 AND t.tgname <> %(trigger)s)) AS set_by_deletes,
       array(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
"""
_HAS_TRIGGER: Final = "EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = %(trigger)s)"


async def sizes(conn: Connection, live: list[Row]) -> dict[int, int]:
    """Bytes of each database that is there, by number."""
    cursor = await conn.execute(
        "SELECT d.id, pg_database_size(p.oid) AS bytes FROM databases d JOIN pg_database p ON p.datname = d.db_name"
        " WHERE d.id = ANY(%s)",
        ([row["id"] for row in live],),
    )
    return {row["id"]: row["bytes"] for row in await cursor.fetchall()}


async def stop_writes(conn: Connection, row: Row) -> None:
    """conn: the superuser's, to the tenant's database, in no transaction. Repeatable."""
    schema = sql.Identifier(SCHEMA)
    async with conn.transaction():
        await conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_MS))
        cursor = await conn.execute("SELECT FROM pg_event_trigger WHERE evtname = %s AND evtenabled = 'A'", (SCHEMA,))
        if await cursor.fetchone() is None:
            await _make_refusals(conn, schema)
    # A temporary table of an open session is out of our reach.
    await conn.execute(
        "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.datname = current_database()"
        " AND a.pid <> pg_backend_pid() AND EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
        " WHERE l.pid = a.pid AND c.relpersistence = 't')"
    )
    cursor = await conn.execute(f"{_TABLES} AND NOT {_HAS_TRIGGER}", {"trigger": _TRIGGER})
    for table in await cursor.fetchall():
        await _guard(conn, schema, table)


async def _make_refusals(conn: Connection, schema: sql.Identifier) -> None:
    """What the tenant may have put at this place before is taken away."""
    cursor = await conn.execute(
        "SELECT FROM pg_namespace WHERE nspname = %s AND pg_get_userbyid(nspowner) <> current_user",
        (SCHEMA,),
    )
    if await cursor.fetchone() is not None:
        await conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))
    await conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    await conn.execute(_FUNCTIONS.format(schema=schema, told=sql.Literal(_TOLD), allowed=sql.Literal(list(_ALLOWED))))
    for function in _LARGE_OBJECT_FUNCTIONS:
        await conn.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
    name = sql.Identifier(SCHEMA)
    await conn.execute(sql.SQL("DROP EVENT TRIGGER IF EXISTS {}").format(name))
    await conn.execute(
        sql.SQL("CREATE EVENT TRIGGER {} ON ddl_command_start EXECUTE FUNCTION {}.refuse_command()").format(
            name, schema
        )
    )
    await conn.execute(sql.SQL("ALTER EVENT TRIGGER {} ENABLE ALWAYS").format(name))


async def _guard(conn: Connection, schema: sql.Identifier, table: Row) -> None:
    """The trigger on one table. A session that keeps writing to it does not keep us waiting: it is ended."""
    free = set(table["set_by_deletes"])
    guarded = [sql.Identifier(column) for column in table["columns"] if column not in free]
    of = sql.SQL(" OF {}").format(sql.SQL(", ").join(guarded)) if free and guarded else sql.SQL("")
    update = sql.SQL(" OR UPDATE{}").format(of) if guarded or not free else sql.SQL("")
    name = sql.Identifier(table["schema"], table["name"])
    make = sql.SQL(
        "CREATE TRIGGER {trigger} BEFORE INSERT{update} ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_rows()"
    ).format(trigger=sql.Identifier(_TRIGGER), update=update, table=name, schema=schema)
    always = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(name, sql.Identifier(_TRIGGER))
    for _ in range(2):
        try:
            async with conn.transaction():
                await conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_MS))
                await conn.execute(make)
                await conn.execute(always)
        except psycopg.errors.LockNotAvailable:
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = %s AND granted"
                " AND pid <> pg_backend_pid()",
                (table["oid"],),
            )
        except (psycopg.errors.UndefinedTable, psycopg.errors.DuplicateObject):
            return
        else:
            return


async def allow_writes(conn: Connection, row: Row) -> None:
    """Take away what `stop_writes` made, and nothing else. Repeatable."""
    await conn.execute(sql.SQL("DROP EVENT TRIGGER IF EXISTS {}").format(sql.Identifier(SCHEMA)))
    for function in _LARGE_OBJECT_FUNCTIONS:
        await conn.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO PUBLIC").format(sql.SQL(function)))
    cursor = await conn.execute(f"{_TABLES} AND {_HAS_TRIGGER}", {"trigger": _TRIGGER})
    for table in await cursor.fetchall():
        await conn.execute(
            sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
                sql.Identifier(_TRIGGER), sql.Identifier(table["schema"], table["name"])
            )
        )
    await conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
