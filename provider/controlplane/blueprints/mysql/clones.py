"""Clones: copies of tenants' databases for dry runs, each with a user that has access to the copy only.

MySQL commits every DDL statement, so a dry run in the tenant's database could not be rolled back.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pymysql.err import Error

from controlplane.engines.mysql.connection import (
    ConnectionParams,
    MysqlConnection,
    execute,
    fetch_all,
    identifier,
    verifier,
)
from controlplane.engines.mysql.engine import (
    READ_DELETE_PRIVILEGES,
    SANDBOX_PREFIX,
    SANDBOX_PREFIXES,
    WRITE_PRIVILEGES,
)

MOST_BYTES: Final = 64_000_000  # of copied rows
_COPY_SECONDS: Final = 60
_DEFINER: Final = re.compile(r"DEFINER\s*=\s*`(?:[^`]|``)*`@`(?:[^`]|``)*`", re.IGNORECASE)


@dataclass(frozen=True)
class Clone:
    """A clone."""

    name: str  # of the database and its user
    login: ConnectionParams
    has_rows: bool  # whether the rows were copied


@contextlib.contextmanager
def clone(admin: ConnectionParams, source: str | None, *, may_write: bool = True) -> Iterator[Clone]:
    """Provide a clone, and drop it at the end. Blocking.

    Args:
        admin: The administrator's login.
        source: The database to copy. None: the clone is an empty database.
        may_write: False if the storage limit blocks writes in the source.

    Raises:
        pymysql.err.Error: The server rejected a statement or did not respond.
    """
    name = SANDBOX_PREFIX + secrets.token_hex(6)
    user = f"'{name}'@'{admin.host}'"
    password = secrets.token_hex(16)
    writes = f", {WRITE_PRIVILEGES}" if may_write else ""
    with admin.opened() as raw:
        try:
            # In GRANT an unescaped underscore matches any character.
            pattern = identifier(name.replace("_", r"\_"))
            execute(
                raw,
                f"CREATE DATABASE {identifier(name)}",
                f"CREATE USER {user} IDENTIFIED VIA mysql_native_password USING '{verifier(password)}'",
                f"GRANT {READ_DELETE_PRIVILEGES}{writes} ON {pattern}.* TO {user}",
                # Copying must not block the tenant.
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                f"SET SESSION max_statement_time = {_COPY_SECONDS}, foreign_key_checks = 0",
            )
            has_rows = source is None or copy(raw, source, name, user, most_bytes=MOST_BYTES)
            execute(raw, "SET SESSION max_statement_time = 0")
            yield Clone(name, ConnectionParams(admin.host, admin.port, name, password, read_timeout=660.0), has_rows)
        finally:
            _drop(admin, name)


def _drop(admin: ConnectionParams, name: str) -> None:
    with contextlib.suppress(Error), admin.opened() as raw:
        execute(raw, f"DROP USER IF EXISTS '{name}'@'{admin.host}'", f"DROP DATABASE IF EXISTS {identifier(name)}")


def drop_leftovers(admin: ConnectionParams) -> None:
    """Drop the clones that killed processes left. Call it only while no dry run is in progress."""
    with admin.opened() as raw:
        databases = fetch_all(raw, "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA")
        users = fetch_all(raw, "SELECT User AS name FROM mysql.global_priv")
    for name in {row["name"] for row in (*databases, *users) if row["name"].startswith(SANDBOX_PREFIXES)}:
        _drop(admin, name)


def copy(raw: MysqlConnection, source: str, target: str, owner: str, *, most_bytes: int | None) -> bool:
    """Copy a database into an empty one. Blocking. The session's foreign_key_checks must be off.

    Args:
        raw: The administrator's session.
        source: The database to copy.
        target: The empty database.
        owner: The quoted account that becomes the definer of views and programs.
        most_bytes: If the source has more bytes of rows, no rows are copied. None: no limit.

    Returns:
        Whether the rows were copied.

    Raises:
        pymysql.err.Error: The server rejected a statement or did not respond.
    """
    tables = fetch_all(
        raw,
        "SELECT TABLE_NAME AS name, TABLE_TYPE AS type, coalesce(DATA_LENGTH, 0) AS bytes"
        " FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s ORDER BY TABLE_TYPE, TABLE_NAME",
        source,
    )
    base_tables = [table["name"] for table in tables if table["type"] in ("BASE TABLE", "SYSTEM VERSIONED")]
    sequences = [table["name"] for table in tables if table["type"] == "SEQUENCE"]
    with_rows = most_bytes is None or sum(int(table["bytes"]) for table in tables) <= most_bytes
    for name in (*sequences, *base_tables):
        _create(raw, target, _show_create(raw, source, "TABLE", name, "Create Table"), owner)
        if name in sequences:
            _set_sequence(raw, source, target, name)
        elif with_rows:
            _copy_rows(raw, source, target, name)
    _copy_programs(raw, source, target, owner)
    _copy_views(raw, source, target, [table["name"] for table in tables if table["type"] == "VIEW"], owner)
    return with_rows


def _copy_programs(raw: MysqlConnection, source: str, target: str, user: str) -> None:
    routines = "SELECT ROUTINE_TYPE AS type, ROUTINE_NAME AS name FROM information_schema.ROUTINES"
    for row in fetch_all(raw, f"{routines} WHERE ROUTINE_SCHEMA = %s", source):
        kind = row["type"]
        _create(raw, target, _show_create(raw, source, kind, row["name"], f"Create {kind.capitalize()}"), user)
    triggers = "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS"
    for row in fetch_all(raw, f"{triggers} WHERE TRIGGER_SCHEMA = %s ORDER BY ACTION_ORDER", source):
        _create(raw, target, _show_create(raw, source, "TRIGGER", row["name"], "SQL Original Statement"), user)


def _copy_views(raw: MysqlConnection, source: str, target: str, names: list[str], user: str) -> None:
    """Copy views. A view may need another one, so this repeats until no more succeed. Broken views are left out."""
    left = names
    while left:
        failed = []
        for name in left:
            try:
                _create(raw, target, _show_create(raw, source, "VIEW", name, "Create View"), user)
            except Error:
                failed.append(name)
        if len(failed) == len(left):
            return
        left = failed


def _show_create(raw: MysqlConnection, source: str, kind: str, name: str, column: str) -> dict[str, Any]:
    """Return the statement that creates an object, and the sql_mode of its text."""
    execute(raw, f"USE {identifier(source)}")  # otherwise the names in views are qualified
    row = fetch_all(raw, f"SHOW CREATE {kind} {identifier(name)}")[0]
    return {"text": row[column], "mode": row.get("sql_mode")}


def _create(raw: MysqlConnection, target: str, created: dict[str, Any], user: str) -> None:
    execute(raw, f"USE {identifier(target)}")
    if created["mode"] is not None:
        fetch_all(raw, "SET SESSION sql_mode = %s", created["mode"])
    text = _DEFINER.sub(lambda _: f"DEFINER={user}", created["text"], count=1)
    with raw.cursor() as cursor:
        cursor.execute(text)
    if created["mode"] is not None:
        execute(raw, "SET SESSION sql_mode = DEFAULT")


def _set_sequence(raw: MysqlConnection, source: str, target: str, name: str) -> None:
    """Set a sequence to its next value, as after a restart: values in the server's cache are skipped."""
    (row,) = fetch_all(raw, f"SELECT next_not_cached_value AS n FROM {identifier(source)}.{identifier(name)}")  # noqa: S608
    execute(raw, f"ALTER SEQUENCE {identifier(target)}.{identifier(name)} RESTART {int(row['n'])}")


def _copy_rows(raw: MysqlConnection, source: str, target: str, table: str) -> None:
    columns = fetch_all(
        raw,
        "SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        " AND IS_GENERATED = 'NEVER' AND EXTRA NOT LIKE '%%INVISIBLE%%' ORDER BY ORDINAL_POSITION",
        source,
        table,
    )
    listed = ", ".join(identifier(column["name"]) for column in columns)
    into, of = f"{identifier(target)}.{identifier(table)}", f"{identifier(source)}.{identifier(table)}"
    # Copy a zero in an AUTO_INCREMENT column as a zero.
    execute(raw, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
    execute(raw, f"INSERT INTO {into} ({listed}) SELECT {listed} FROM {of}")  # noqa: S608 - quoted names
    execute(raw, "SET SESSION sql_mode = DEFAULT")
