"""Copy the control plane's tables into a schema and back, inside the caller's transaction."""

from __future__ import annotations

from typing import Final

from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

from controlplane.db.pool import Connection

# Not state: the migrations, the snapshots, what belongs to the server, and logs.
_EXCLUDED_TABLES: Final = ["schema_migrations", "snapshots", "scratch", "request_log", "mysql_server"]
# Two living processes must not have the same number: one of them would seem to be dead.
_EXCLUDED_SEQUENCES: Final = ["process_numbers", "snapshots_id_seq", "request_log_id_seq"]


def schema_of(number: int) -> str:
    """Return the schema of a snapshot's tables."""
    return f"snapshot_{number}"


async def names(conn: Connection) -> list[str]:
    """Return the tables of the state."""
    return await conn.fetch_column(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s) ORDER BY 1",
        (_EXCLUDED_TABLES,),
    )


async def try_lock(conn: Connection, *, to_change: bool) -> bool:
    """Lock the tables against changes of every process (`to_change`: also against reads) until the transaction ends.

    Return False if another transaction has one of them for long: it may wait for a table that is locked here. The
    caller's transaction has failed then.
    """
    tables = sql.SQL(", ").join(sql.Identifier("public", name) for name in await names(conn))
    mode = sql.SQL("ACCESS EXCLUSIVE" if to_change else "SHARE ROW EXCLUSIVE")
    # Shorter than `deadlock_timeout`, so that this transaction gives up, and not a request or a worker.
    await conn.execute("SET LOCAL lock_timeout = '500ms'")
    try:
        await conn.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(tables, mode))
    except (LockNotAvailable, DeadlockDetected):
        return False
    await conn.execute("SET LOCAL lock_timeout = 0")
    return True


async def save(conn: Connection, number: int) -> None:
    """Copy all tables."""
    schema = schema_of(number)
    await conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for name in await names(conn):
        await conn.execute(
            sql.SQL("CREATE TABLE {} AS TABLE {}").format(sql.Identifier(schema, name), sql.Identifier("public", name))
        )
    await conn.execute(
        sql.SQL(
            "CREATE TABLE {} AS SELECT sequencename AS name, coalesce(last_value, start_value) AS value,"
            " last_value IS NOT NULL AS is_called FROM pg_sequences"
            " WHERE schemaname = 'public' AND sequencename <> ALL({})"
        ).format(sql.Identifier(schema, "sequences"), sql.Literal(_EXCLUDED_SEQUENCES))
    )


async def empty(conn: Connection, keep: list[str]) -> None:
    """Empty all tables except some. Sequences go on from where they are."""
    tables = [name for name in await names(conn) if name not in keep]
    identifiers = sql.SQL(", ").join(sql.Identifier("public", name) for name in tables)
    await conn.execute(sql.SQL("TRUNCATE {}").format(identifiers))


async def restore(conn: Connection, number: int) -> None:
    """Restore the tables. Work that was running when they were saved is queued again."""
    schema = schema_of(number)
    # Without triggers and foreign keys: the rows come in any order, and were consistent before.
    await conn.execute("SET LOCAL session_replication_role = replica")
    await empty(conn, [])
    for name in await names(conn):
        columns = await _columns(conn, schema, name)
        if columns:
            await conn.execute(
                sql.SQL("INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {copy}").format(
                    table=sql.Identifier("public", name),
                    columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                    copy=sql.Identifier(schema, name),
                )
            )
    await conn.execute("SET LOCAL session_replication_role = origin")
    for row in await conn.fetch_all(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, "sequences"))):
        await conn.execute("SELECT setval(%s::regclass, %s, %s)", (row["name"], row["value"], row["is_called"]))
    await conn.execute("UPDATE provision_jobs SET state = 'queued', owner = NULL WHERE state = 'running'")
    await conn.execute("UPDATE blueprint_applications SET owner = NULL WHERE owner IS NOT NULL")
    await conn.execute("UPDATE webhook_deliveries SET owner = NULL WHERE owner IS NOT NULL")
    await conn.execute("UPDATE idempotency_keys SET pending_owner = NULL WHERE pending_owner IS NOT NULL")
    await conn.execute("DELETE FROM pool_instances")


async def drop(conn: Connection, number: int) -> None:
    """Drop the copies."""
    await conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema_of(number))))


async def _columns(conn: Connection, schema: str, table: str) -> list[str]:
    """Return the columns that both the table and its copy have: a migration may have changed the table."""
    return await conn.fetch_column(
        "SELECT a.column_name FROM information_schema.columns a"
        " JOIN information_schema.columns b USING (table_name, column_name)"
        " WHERE a.table_schema = 'public' AND b.table_schema = %s AND a.table_name = %s AND a.is_generated = 'NEVER'"
        " ORDER BY a.ordinal_position",
        (schema, table),
    )
