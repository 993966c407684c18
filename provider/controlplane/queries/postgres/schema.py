"""Schema of a tenant's PostgreSQL database, read as the tenant."""

from __future__ import annotations

from typing import Any, Final

from controlplane.db.pool import Connection
from controlplane.queries.schema import Column, ForeignKey, Schema, Table

_MOST_TABLES: Final = 500

_TABLES: Final = """
SELECT c.oid::bigint AS oid, c.relname AS name,
  (SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a
     ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
   WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1) AS primary_key
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND pg_catalog.pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%%'
  AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
ORDER BY c.relname LIMIT %s
"""
_COLUMNS: Final = """
SELECT a.attrelid::bigint AS oid, a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
  (SELECT pg_catalog.array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e
   WHERE e.enumtypid = a.atttypid) AS labels
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = ANY(%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_KEYS: Final = """
SELECT k.conrelid::bigint AS oid, f.attname AS column, c.relname AS "table", t.attname AS target
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
JOIN pg_catalog.pg_attribute f ON f.attrelid = k.conrelid AND f.attnum = k.conkey[1]
JOIN pg_catalog.pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = k.confkey[1]
WHERE k.contype = 'f' AND pg_catalog.cardinality(k.conkey) = 1
  AND k.conrelid = ANY(%s::oid[]) AND k.confrelid = ANY(%s::oid[])
ORDER BY k.conname
"""


async def read_schema(conn: Connection) -> Schema:
    """Return the tables and views that need no schema before their name, the first 500 by name.

    Raises:
        psycopg.Error: The server did not answer.
    """
    await conn.execute("SELECT pg_catalog.set_config('statement_timeout', '15000', false)")
    tables = await conn.fetch_all(_TABLES, (_MOST_TABLES,))
    oids = [row["oid"] for row in tables]
    columns: dict[int, list[Column]] = {oid: [] for oid in oids}
    for row in await conn.fetch_all(_COLUMNS, (oids,)):
        columns[row["oid"]].append(_column(row))
    keys: dict[int, list[ForeignKey]] = {oid: [] for oid in oids}
    for row in await conn.fetch_all(_KEYS, (oids, oids)):
        keys[row["oid"]].append(ForeignKey(row["column"], row["table"], row["target"]))
    return Schema(
        tuple(
            Table(row["name"], tuple(columns[row["oid"]]), row["primary_key"], tuple(keys[row["oid"]]))
            for row in tables
        )
    )


def _column(row: dict[str, Any]) -> Column:
    return Column(row["name"], row["type"], tuple(row["labels"] or ()))
