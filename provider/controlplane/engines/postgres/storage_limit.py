"""The storage limit of a PostgreSQL tenant (docs/decisions/0010).

The tenant still owns everything, so that it can DELETE, TRUNCATE, DROP and VACUUM. Additions are refused by objects of
the superuser: triggers on every table, an event trigger for commands that create or change objects, and revoked
functions for large objects. Only the superuser can remove those. They are recognised by the function behind them and
not by name: the tenant may have used the name before.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from controlplane.db.pool import Connection, Row

SCHEMA: Final = "polykomos_storage"
_FUNCTION: Final = f"{SCHEMA}.refuse_rows()"
_TRIGGER: Final = "polykomos_storage_limit"
_LOCK_MS: Final = 1_000
_END_MS: Final = 5_000
_MESSAGE: Final = "the storage limit of this database is reached: delete rows or drop objects, or raise its quota"
# Commands that make nothing larger. The tenant has no rights for those on roles and databases.
_ALLOWED: Final = (
    "DROP TABLE", "DROP INDEX", "DROP VIEW", "DROP MATERIALIZED VIEW", "DROP SCHEMA", "DROP SEQUENCE", "DROP FUNCTION",
    "DROP PROCEDURE", "DROP ROUTINE", "DROP AGGREGATE", "DROP TYPE", "DROP DOMAIN", "DROP EXTENSION", "DROP OWNED",
)  # fmt: skip
# Compared by bytes: an operator of the tenant would decide about the tenant's limit.
_SET_TO_NULL_OR_SAME: Final = "NEW.{0} IS NULL OR pg_catalog.record_image_eq(ROW(NEW.{0}), ROW(OLD.{0}))"
# A truncation beyond the end makes a large object longer.
_LARGE_OBJECT_FUNCTIONS: Final = (
    "lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)",
    "lowrite(integer, bytea)", "lo_truncate(integer, integer)", "lo_truncate64(integer, bigint)",
)  # fmt: skip

_FUNCTIONS: Final = sql.SQL("""
CREATE OR REPLACE FUNCTION {schema}.refuse_rows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = {message};
END $$;
CREATE OR REPLACE FUNCTION {schema}.refuse_command() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    IF tg_tag <> ALL ({allowed}) AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
        RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = {message};
    END IF;
END $$;
GRANT USAGE ON SCHEMA {schema} TO PUBLIC;
""")

# Tables whose rows the tenant can change, with the columns that the deletion of a row elsewhere sets to null: that
# update is part of a DELETE. There are no such columns if triggers of the tenant could do more in that update, or if it
# may reach the rows of other tables (children, partitions), whose statement triggers do not fire then.
_TABLES: Final = """
SELECT c.oid, n.nspname AS schema, c.relname AS name,
       array(SELECT DISTINCT a.attname::text FROM pg_constraint k
             CROSS JOIN unnest(coalesce(nullif(k.confdelsetcols, '{}'), k.conkey)) AS key(number)
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.number
             WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confdeltype = 'n'
             AND c.relkind = 'r' AND NOT c.relispartition AND NOT c.relhassubclass
             AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                             AND t.tgtype & 16 <> 0 AND t.tgfoid <> %(function)s::regprocedure)) AS set_by_deletes,
       array(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = %(function)s::regprocedure
                AND t.tgenabled = 'A' AND t.tgtype & 4 <> 0)
"""


async def measure_sizes(conn: Connection, live: list[Row]) -> dict[int, int]:
    """Return the bytes of each existing database, by number."""
    rows = await conn.fetch_all(
        "SELECT d.id, pg_database_size(p.oid) AS bytes FROM databases d JOIN pg_database p ON p.datname = d.db_name"
        " WHERE d.id = ANY(%s)",
        ([row["id"] for row in live],),
    )
    return {row["id"]: row["bytes"] for row in rows}


async def block_writes(conn: Connection, row: Row) -> None:
    """Refuse additions and changes in a database. Repeatable.

    `conn` is from `Server.connect_within`, in no transaction.
    """
    await _end_sessions(conn, before=await _since(conn) or await _refuse(conn))
    for table in await conn.fetch_all(_TABLES, {"function": _FUNCTION}):
        await _guard(conn, table)


async def _since(conn: Connection) -> str | None:
    """Return the time since which commands are refused, or None. It is stored on the event trigger."""
    since: str | None = await conn.fetch_value(
        "SELECT obj_description(oid, 'pg_event_trigger') FROM pg_event_trigger WHERE evtname = %s AND evtenabled = 'A'",
        (SCHEMA,),
    )
    return since


async def _refuse(conn: Connection) -> str:
    """Refuse commands and large objects from now on, and return the time."""
    async with conn.transaction():
        await conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_MS))
        await _make_refusals(conn, sql.Identifier(SCHEMA))
    # Read after the commit, and stored last: if this process is killed before, the next run starts again.
    since: str = await conn.fetch_value("SELECT clock_timestamp()::text")
    note = sql.SQL("COMMENT ON EVENT TRIGGER {} IS {}").format(sql.Identifier(SCHEMA), sql.Literal(since))
    await conn.execute(note)
    return since


async def _end_sessions(conn: Connection, *, before: str) -> None:
    """End the tenant's sessions that began before commands were refused.

    They may have temporary tables, or tables of an open transaction, on which no other session can create a trigger.
    """
    await conn.execute(
        "SELECT pg_terminate_backend(a.pid, %s) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid"
        " WHERE a.datname = current_database() AND NOT r.rolsuper AND a.backend_start <= %s::timestamptz",
        (_END_MS, before),
    )


async def _make_refusals(conn: Connection, schema: sql.Identifier) -> None:
    """Create the functions and the event trigger, in place of what the tenant may have created under their names."""
    is_tenants = await conn.fetch_one(
        "SELECT FROM pg_namespace WHERE nspname = %s AND pg_get_userbyid(nspowner) <> current_user",
        (SCHEMA,),
    )
    if is_tenants is not None:
        await conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))
    await conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    await conn.execute(
        _FUNCTIONS.format(schema=schema, message=sql.Literal(_MESSAGE), allowed=sql.Literal(list(_ALLOWED)))
    )
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


async def _guard(conn: Connection, table: Row) -> None:
    """Create the triggers on one table. A session that blocks this by writing to the table is ended."""
    statements = guard_triggers(table, name=f"{_TRIGGER}_{secrets.token_hex(8)}")
    for _ in range(2):
        try:
            async with conn.transaction():
                await conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_MS))
                for statement in statements:
                    await conn.execute(statement)
        except psycopg.errors.LockNotAvailable:
            await conn.execute(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE d.datname = current_database() AND l.relation = %s AND l.granted AND l.pid <> pg_backend_pid()",
                (table["oid"],),
            )
        except psycopg.errors.UndefinedTable:
            return
        else:
            return


def guard_triggers(table: Row, *, name: str) -> Sequence[sql.Composed]:
    """Return the statements that create the triggers of a table. Pure.

    `table` is a row of `_TABLES`. The tenant cannot guess the name.
    """
    free = table["set_by_deletes"]
    guarded = [column for column in table["columns"] if column not in free]
    update = sql.SQL(" OR UPDATE OF {}").format(_identifiers(guarded)) if free and guarded else sql.SQL(" OR UPDATE")
    if free and not guarded:
        update = sql.SQL("")
    parts = {
        "table": sql.Identifier(table["schema"], table["name"]),
        "schema": sql.Identifier(SCHEMA),
        "rows": sql.Identifier(name),
        "nulls": sql.Identifier(f"{name}_nulls"),
    }
    statements = [
        sql.SQL(
            "CREATE TRIGGER {rows} BEFORE INSERT{update} ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_rows()"
        ).format(update=update, **parts),
        sql.SQL("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {rows}").format(**parts),
    ]
    if free:
        # Each row can be set to null once. Any other update would leave another version of the row each time.
        cleared = sql.SQL(" OR ").join(_on_column("OLD.{0} IS NOT NULL AND NEW.{0} IS NULL", each) for each in free)
        same = sql.SQL(" AND ").join(_on_column(_SET_TO_NULL_OR_SAME, each) for each in free)
        statements += [
            sql.SQL(
                "CREATE TRIGGER {nulls} BEFORE UPDATE OF {free} ON {table} FOR EACH ROW"
                " WHEN ((({cleared}) AND {same}) IS NOT TRUE) EXECUTE FUNCTION {schema}.refuse_rows()"
            ).format(free=_identifiers(free), cleared=cleared, same=same, **parts),
            sql.SQL("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {nulls}").format(**parts),
        ]
    return statements


def _identifiers(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _on_column(condition: LiteralString, column: str) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(condition).format(sql.Identifier(column)))


async def allow_writes(conn: Connection, row: Row) -> None:
    """Remove what `block_writes` created, and nothing else. Repeatable."""
    await conn.execute(sql.SQL("DROP EVENT TRIGGER IF EXISTS {}").format(sql.Identifier(SCHEMA)))
    for function in _LARGE_OBJECT_FUNCTIONS:
        await conn.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO PUBLIC").format(sql.SQL(function)))
    rows = await conn.fetch_all(
        "SELECT n.nspname AS schema, c.relname AS name, t.tgname AS trigger FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE t.tgfoid = to_regprocedure(%s)",
        (_FUNCTION,),
    )
    for row in rows:
        table = sql.Identifier(row["schema"], row["name"])
        await conn.execute(sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(sql.Identifier(row["trigger"]), table))
    await conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
