"""Random SQL that changes the settings of its session, by every way that a tenant has."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import psycopg

from support import mysql

ENCODINGS = ("UTF8", "LATIN1", "LATIN1", "SQL_ASCII", "SJIS", "WIN1252", "EUC_JP", "GBK")
# Those that would show: what we send would be read otherwise, or not be carried out.
TELLING = (
    ("client_encoding", ENCODINGS), ("client_encoding", ENCODINGS), ("standard_conforming_strings", ("off",)),
    ("search_path", ("public", "", "public, pg_catalog")), ("statement_timeout", ("0", "60000")),
    ("idle_in_transaction_session_timeout", ("1",)), ("lock_timeout", ("1", "0")), ("exit_on_error", ("on",)),
)  # fmt: skip
MYSQL_TELLING = (
    "character_set_results = latin1", "character_set_results = utf16", "character_set_results = NULL",
    "sql_select_limit = 0", "max_error_count = 0", "max_statement_time = 0", "wait_timeout = 1",
    "completion_type = 'RELEASE'", "completion_type = 'CHAIN'", "idle_transaction_timeout = 1",
    "idle_write_transaction_timeout = 1", "sql_mode = 'ANSI_QUOTES'", "sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "character_set_client = latin1", "collation_connection = latin1_bin", "autocommit = 1", "time_zone = '+02:00'",
)  # fmt: skip
SHADOWS = (
    "set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2'",
    "pg_current_xact_id() RETURNS xid8 LANGUAGE sql AS $f$SELECT '3'::pg_catalog.xid8$f$",
    "pg_backend_pid() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "current_setting(text) RETURNS text LANGUAGE sql AS $f$SELECT 'nonsense'::pg_catalog.text$f$",
    "count(integer) RETURNS bigint LANGUAGE sql AS 'SELECT 0::pg_catalog.int8'",
)
ODD_STATEMENTS = (
    "DEALLOCATE ALL", "UNLISTEN *", "LISTEN polykomos", "NOTIFY polykomos", "SET CONSTRAINTS ALL DEFERRED",
    "PREPARE _pg3_0 AS SELECT 1", "CREATE TEMPORARY TABLE pg_stat_activity (pid int)", "RESET client_encoding",
    "SELECT pg_catalog.pg_advisory_lock(0x706C6163)", "SET ROLE polykomos_tenants", "SET ROLE NONE", "RESET ALL",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CREATE SCHEMA pg_shadowed", "SET SESSION AUTHORIZATION DEFAULT",
    "ALTER ROLE CURRENT_USER IN DATABASE {database} SET client_encoding = 'LATIN1'", "SET search_path = ''",
    "ALTER ROLE CURRENT_USER SET search_path = public, pg_catalog", "SET search_path = public, pg_catalog, pg_temp",
)  # fmt: skip


@dataclass(frozen=True)
class Variable:
    """A setting of the server. kind: bool, enum, integer, real, or anything else for text."""

    name: str
    kind: str
    least: str | None
    most: str | None
    values: tuple[str, ...]

    def random_value(self, choose: random.Random) -> str:
        """A value that the server may or may not take."""
        if self.name in ("client_encoding", "character_set_results", "character_set_client"):
            return (
                choose.choice(ENCODINGS)
                if self.name == "client_encoding"
                else choose.choice(("latin1", "utf16", "sjis"))
            )
        if self.kind == "bool":
            return choose.choice(("on", "off"))
        if self.values:
            return choose.choice(self.values)
        if self.kind in ("integer", "real"):
            return choose.choice((self.least or "0", self.most or "1", "0", "1", "-1", "1000"))
        return choose.choice(("", "public", "x", "utf8mb4_bin", "UTC", "on", "2"))


def postgres_variables(conninfo: str) -> list[Variable]:
    """Those that any role may set."""
    with psycopg.connect(conninfo) as conn:
        found = conn.execute(
            "SELECT name, vartype, min_val, max_val, coalesce(enumvals, '{}') FROM pg_settings WHERE context = 'user'"
        ).fetchall()
    return [Variable(name, kind, least, most, tuple(values)) for name, kind, least, most, values in found]


def mysql_variables(database: dict[str, Any]) -> list[Variable]:
    """Those of a session."""
    found = mysql.once(
        database,
        "SELECT VARIABLE_NAME, VARIABLE_TYPE, NUMERIC_MIN_VALUE, NUMERIC_MAX_VALUE, ENUM_VALUE_LIST"
        " FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_SCOPE LIKE 'SESSION%' AND READ_ONLY = 'NO'",
    )
    kinds = {"BOOLEAN": "bool", "ENUM": "enum", "SET": "enum", "DOUBLE": "real"}
    return [
        Variable(name.lower(), kinds.get(kind, "integer" if "INT" in kind else "text"), least, most,
                 tuple(values.split(",")) if values else ())
        for name, kind, least, most, values in found
    ]  # fmt: skip


def telling_change(choose: random.Random) -> str:
    """One statement that succeeds, and after which everything else must succeed too."""
    if choose.random() < 0.2:
        return f"CREATE OR REPLACE FUNCTION public.{choose.choice(SHADOWS)}"
    name, values = choose.choice(TELLING)
    value, way = choose.choice(values), choose.randrange(3)
    if way == 0:
        return f"SELECT pg_catalog.set_config('{name}', '{value}', {choose.choice(('true', 'false'))})"
    if way == 1:
        return f"DO $$ BEGIN PERFORM pg_catalog.set_config('{name}', '{value}', false); END $$"
    inner = _quoted(f"SET {choose.choice(('LOCAL', 'SESSION'))} {name} = '{value}'")
    return f"DO $$ BEGIN EXECUTE {inner}; END $$"


def mysql_telling_change(choose: random.Random, number: int) -> str:
    """Two statements that succeed, and after which everything else must succeed too."""
    body = " ".join(f"SET SESSION {one};" for one in choose.sample(MYSQL_TELLING, 3))
    return f"CREATE PROCEDURE p{number}() BEGIN {body} END; CALL p{number}()"


def postgres_change(choose: random.Random, variables: list[Variable], database: str) -> str:
    """One statement: what is hidden from the dry run is in a DO."""
    is_telling = choose.random() < 0.6
    if is_telling:
        name, values = choose.choice(TELLING)
        value = choose.choice(values)
    else:
        variable = choose.choice(variables)
        name, value = variable.name, variable.random_value(choose)
    local = choose.choice(("true", "false"))
    plain = f"SET {choose.choice(('', 'LOCAL ', 'SESSION '))}{name} = '{value}'"
    way = choose.randrange(6)
    if way == 0 and not is_telling:
        return plain
    if way == 1:
        return f"SELECT {choose.choice(('', 'pg_catalog.'))}set_config('{name}', '{value}', {local})"
    if way == 2:
        return f"CREATE OR REPLACE FUNCTION public.{choose.choice(SHADOWS)}"
    inner = choose.choice((plain, choose.choice(ODD_STATEMENTS).format(database=f'"{database}"')))
    hidden = "IF current_user NOT LIKE 'polykomos_scratch%' THEN {} END IF;" if choose.random() < 0.6 else "{}"
    caught = "BEGIN {} EXCEPTION WHEN OTHERS THEN NULL; END;" if choose.random() < 0.6 else "{}"
    body = hidden.format(caught.format(f"EXECUTE {_quoted(inner)};"))
    return f"DO $do$ BEGIN {body} END $do$"


def mysql_change(choose: random.Random, variables: list[Variable], number: int) -> str:
    """One or two statements."""
    parts = []
    for _ in range(choose.randint(1, 3)):
        variable = choose.choice(variables)
        value = variable.random_value(choose)
        shown = value if variable.kind in ("integer", "real") else _quoted(value)
        parts.append(f"SET {choose.choice(('', 'SESSION '))}{variable.name} = {shown};")
    if choose.random() < 0.15:
        return parts[0].rstrip(";")
    handler = "DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;" if choose.random() < 0.8 else ""
    body = f"{handler} {' '.join(parts)}"
    if choose.random() < 0.5:
        return f"CREATE PROCEDURE p{number}() BEGIN {body} END; CALL p{number}()"
    return f"CREATE FUNCTION f{number}() RETURNS int BEGIN {body} RETURN 1; END; SELECT f{number}()"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
