"""Clients of MySQL databases, as the API shows them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pymysql
from pymysql.connections import Connection


def connect(database: dict[str, Any], /, **changes: Any) -> Connection:
    """By the connection string alone, autocommit."""
    parts = urlsplit(database["connection_string"])
    assert parts.scheme == "mysql"
    facts = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
        "database": parts.path.removeprefix("/"),
    }
    return pymysql.connect(**{**facts, **changes}, autocommit=True, connect_timeout=10)


def ask(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def once(database: dict[str, Any], statement: str) -> list[tuple[Any, ...]]:
    """The same with a connection of its own."""
    with connect(database) as connection:
        return ask(connection, statement)
