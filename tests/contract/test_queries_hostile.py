"""Whatever tables are called and whatever is asked: what is made is SQL that the server can plan."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from controlplane.queries.failures import NotUnderstood, Unsafe
from controlplane.queries.postgres_schema import read_schema
from controlplane.queries.translation.schema import Schema
from controlplane.queries.translation.translate import translate
from support.control_plane import create_database
from support.naming import unique

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
NAMES = ['we"ird', "o'clock", "two words", "select", "Ünïcode", "MixedCase", "semi;colon", "linked", "back\\slash",
         "per%cent", "日本", "--comment", "$$", "order"]  # fmt: skip
TEXTS = [
    "show all {t}", "how many {t}", "count {t} by {c}", "{t} from 'it''s; -- \\'", "top 3 {t} by {n}", "latest {t}",
    "{t} where {c} starts with 'x%_!\\'", "{t} where {c} is \"a'b\" or 'c'", "total {n} of {t}", "{t} without {t}",
    "{t} with more than 2 {t}", "{t} created last month", "{c} of {t}", "{t} where {n} over 3 ordered by {c} desc",
    "{t} that are not done", "top 3 {t} by number of {t}", "{t} 7", "describe {t}", "average {n} of {t} by month",
    "add {t} \"x'; DROP\" with {n} 3", "update {t} 3 set {c} to 'y''z'", "delete {t} 3", "count {t} by {t}",
    "set {n} to 4 for all {t}", "delete {t} where {c} contains '%'", "create a table called \"{t} x\" with {t} and a",
]  # fmt: skip


def test_names_and_values_are_quoted(api: httpx.Client) -> None:
    database = create_database(api, unique("hostile"), plan="launch")
    with psycopg.connect(database["connection_string"], autocommit=True) as conn:
        for name in NAMES:
            table, own, other = (sql.Identifier(each) for each in (name, f"{name} n", f"{name} c"))
            conn.execute(
                sql.SQL(
                    "CREATE TABLE {} (id serial PRIMARY KEY, {} numeric, {} text, name text, done boolean,"
                    " parent integer REFERENCES {}, created_at timestamptz)"
                ).format(table, own, other, table)
            )
        schema = asyncio.run(_schema(database["connection_string"]))
        assert {table.name for table in schema.tables} == set(NAMES)
        made = 0
        for name in NAMES:
            for form in TEXTS:
                for quote in ("`{}`", '"{}"', "{}"):
                    spoken = {key: quote.format(f"{name}{end}") for key, end in (("t", ""), ("n", " n"), ("c", " c"))}
                    try:
                        found = translate(form.format(**spoken), schema, NOW)
                    except (NotUnderstood, Unsafe):
                        continue
                    for each in filter(None, (found.sql, found.beyond)):
                        _plan(conn, each)
                        made += 1
        assert made > 500


async def _schema(url: str) -> Schema:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as conn:
        return await read_schema(conn)


def _plan(conn: psycopg.Connection, text: str) -> None:
    """Plan it; of what defines, run it and take it back."""
    with conn.transaction(force_rollback=True):
        if text.startswith("CREATE"):
            conn.execute(text.encode())
        else:
            conn.execute(b"EXPLAIN " + text.encode(), binary=True)
