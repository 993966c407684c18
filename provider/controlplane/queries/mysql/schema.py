"""Schema of a tenant's MySQL database, read as the tenant."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from controlplane.engines.mysql.connection import MysqlConnection, fetch_all
from controlplane.queries.schema import Column, ForeignKey, Schema, Table

_MOST_TABLES: Final = 500

_TABLES: Final = (
    "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1 LIMIT %s"
)
_COLUMNS: Final = (
    "SELECT TABLE_NAME AS `table`, COLUMN_NAME AS name, COLUMN_TYPE AS type, COLUMN_KEY AS `key`"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION"
)
_KEYS: Final = (
    "SELECT TABLE_NAME AS `table`, COLUMN_NAME AS `column`, REFERENCED_TABLE_NAME AS target,"
    " REFERENCED_COLUMN_NAME AS target_column, count(*) OVER (PARTITION BY TABLE_NAME, CONSTRAINT_NAME) AS width"
    " FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE()"
    " AND REFERENCED_TABLE_SCHEMA = DATABASE() ORDER BY CONSTRAINT_NAME"
)


def read_schema(raw: MysqlConnection) -> Schema:
    """Return the tables and views, the first 500 by name. Blocking. Raise pymysql.err.Error on failure."""
    columns: dict[str, list[Column]] = defaultdict(list)
    primary: dict[str, list[str]] = defaultdict(list)
    for row in fetch_all(raw, _COLUMNS):
        columns[row["table"]].append(Column(row["name"], row["type"]))
        if row["key"] == "PRI":
            primary[row["table"]].append(row["name"])
    keys: dict[str, list[ForeignKey]] = defaultdict(list)
    for row in fetch_all(raw, _KEYS):
        if row["width"] == 1:
            keys[row["table"]].append(ForeignKey(row["column"], row["target"], row["target_column"]))
    return Schema(
        tuple(
            Table(name, tuple(columns[name]), primary[name][0] if len(primary[name]) == 1 else None, tuple(keys[name]))
            for name in (row["name"] for row in fetch_all(raw, _TABLES, _MOST_TABLES))
        )
    )
