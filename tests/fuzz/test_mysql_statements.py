"""Random SQL: what MariaDB takes as one statement is one statement to us.

PREPARE takes exactly one statement, so the server says which texts are one. Several of them one behind the other must
be split into exactly them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpx
import pymysql
import pytest

from controlplane.blueprints.lexer import SPACES, LexError
from controlplane.blueprints.mysql.sources import read
from controlplane.blueprints.mysql.splitter import split
from support.control_plane import create_database, delete_all
from support.fuzz import SECONDS, cases
from support.mariadb_grammar import mutated, statement
from support.mysql import connect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 240)]

_NO_SUCH_TABLE = 1146  # found after the whole text was parsed


class Server:
    """Says which texts are one statement."""

    def __init__(self, cursor: pymysql.cursors.Cursor) -> None:
        self._cursor = cursor

    def set_mode(self, mode: str) -> None:
        """Set the session's sql_mode."""
        self._cursor.execute("SET SESSION sql_mode = %s", (mode,))

    def takes(self, text: str) -> bool:
        """Return whether the text is one statement; False also where the server did not read it to its end."""
        self._cursor.execute("SET @text = %s", (text,))
        try:
            self._cursor.execute("PREPARE one FROM @text")
        except pymysql.err.MySQLError as error:
            return error.args[0] == _NO_SUCH_TABLE
        return True


@pytest.fixture
def server(api: httpx.Client) -> Iterator[Server]:
    made = create_database(api, "parser", db_type="mysql")
    with connect(made) as connection, connection.cursor() as cursor:
        yield Server(cursor)
    delete_all(api, [made["uuid"]])


def _ours(text: str) -> list[str] | str:
    try:
        return [one.text for one in split(text)]
    except LexError as error:
        return str(error)


def _random_text(choose: random.Random, rule: str) -> str:
    text = statement(choose, rule)
    return (mutated(choose, text) if choose.random() < 0.2 else text).strip(SPACES + ";")


@pytest.mark.parametrize(("rule", "mode"), [("top", ""), ("o_top", "ORACLE")])
def test_what_the_server_takes_as_one_statement_is_one(server: Server, rule: str, mode: str) -> None:
    server.set_mode(mode)
    accepted = 0
    for seed, choose in cases(SECONDS / 2):
        texts = [_random_text(choose, rule) for _ in range(4)]
        good = [text for text in texts if text and server.takes(text)]
        if not good:
            continue
        accepted += len(good)
        joined = choose.choice(("\n;", "\n; ", "\n;\n")).join(good)  # a comment may be the end of one
        assert not read(joined).problems, f"seed {seed}: {joined!r} is SQL to the server"
        assert _ours(joined) == good, f"seed {seed}: {joined!r}\nstatements: {good}\nours: {_ours(joined)}"
    assert accepted > 1
