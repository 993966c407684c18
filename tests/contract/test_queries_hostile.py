"""Whatever tables are called and whatever is asked: a pattern makes SQL that the server can plan."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from controlplane.blueprints.dialects import POSTGRES
from controlplane.db.pool import Connection
from controlplane.queries.errors import TranslationError
from controlplane.queries.patterns import translate
from controlplane.queries.postgres.schema import read_schema
from controlplane.queries.schema import Schema
from support.control_plane import create_database
from support.naming import unique

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
NAMES = ['we"ird', "o'clock", "two words", "select", "Ünïcode", "MixedCase", "semi;colon", "linked", "back\\slash",
         "per%cent", "日本", "--comment", "$$", "order"]  # fmt: skip
TEXTS = [
    "show all {t}", "how many {t}", "show all {t} from 'it''s; -- \\'", "show all {t} from \"a'b\"", "show me the {t}?",
    "show all {t} created this month", "list {t} from 'x%_!\\'", "get {t} from `'`", "count all {t}", "delete {t} 3",
    "add {t} \"x'; DROP\" with {n} 3", "add {t} with {c} 'y''z' and {n} 4", "delete {t} 'a''b\\'", "delete the {t} Bob",
    "add a new {t} Bob with company \"it's\", {c} --",
]  # fmt: skip


def test_names_and_values_are_quoted(api: httpx.Client) -> None:
    database = create_database(api, unique("hostile"), plan="launch")
    with psycopg.connect(database["connection_string"], autocommit=True) as conn:
        for name in NAMES:
            table, own, other = (sql.Identifier(each) for each in (name, f"{name} n", f"{name} c"))
            conn.execute(
                sql.SQL(
                    "CREATE TABLE {} (id serial PRIMARY KEY, {} numeric, {} text, name text, company text,"
                    " created_at timestamptz)"
                ).format(table, own, other)
            )
        schema = asyncio.run(_schema(database["connection_string"]))
        assert {table.name for table in schema.tables} == set(NAMES)
        made = 0
        for name in NAMES:
            for form in TEXTS:
                for quote in ("`{}`", '"{}"', "{}"):
                    spoken = {key: quote.format(f"{name}{end}") for key, end in (("t", ""), ("n", " n"), ("c", " c"))}
                    try:
                        found = translate(form.format(**spoken), schema, POSTGRES, NOW)
                    except TranslationError:
                        continue
                    for each in filter(None, (found.sql, found.beyond)):
                        conn.execute(b"EXPLAIN " + each.encode(), binary=True)
                        made += 1
        assert made > 500, made


async def _schema(url: str) -> Schema:
    async with await Connection.connect(url, autocommit=True, row_factory=dict_row) as conn:
        return await read_schema(conn)
