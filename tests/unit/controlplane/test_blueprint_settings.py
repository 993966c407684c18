"""Which session settings a blueprint may set, in both engines, and which limits it lowers."""

from __future__ import annotations

import pytest

from controlplane.blueprints import session_settings, splitter, statement_policy
from controlplane.blueprints.mysql import session_settings as mysql_settings
from controlplane.blueprints.mysql import splitter as mysql_splitting
from controlplane.blueprints.mysql import statement_policy as mysql_statements
from controlplane.blueprints.session_settings import Limits

OURS = Limits(600_000, 10_000)
# What pg_dump 18 writes before anything else; earlier ones write a part of it.
PG_DUMP_HEAD = """
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
SET default_with_oids = false;
"""


def refusal(sql: str) -> str | None:
    (statement,) = splitter.split(sql)
    return statement_policy.forbidden_reason(statement)


def mysql_refusal(sql: str) -> str | None:
    (statement,) = mysql_splitting.split(sql)
    return mysql_statements.forbidden_reason(statement)


def test_the_head_of_a_dump_passes() -> None:
    assert [statement_policy.forbidden_reason(statement) for statement in splitter.split(PG_DUMP_HEAD)] == [None] * 14


@pytest.mark.parametrize(
    "sql",
    [
        "SET client_encoding TO UTF8", "SET CLIENT_ENCODING = 'utf-8'", "SET NAMES 'UTF8'", "SET NAMES unicode",
        "SET NAMES DEFAULT", "RESET client_encoding", "SET SESSION client_encoding = UTF8", "RESET statement_timeout",
        "SET LOCAL lock_timeout TO '2s'", "SET search_path TO role, public", "SET session = 1", "SET TIME ZONE 'UTC'",
        "SET standard_conforming_strings TO true", "SET app.user = 'x'", "SET app.role TO 'x'", "SET local = 1",
        'SET "lock_timeout" = 5', "SET CONSTRAINTS ALL DEFERRED",
    ],
)  # fmt: skip
def test_what_passes(sql: str) -> None:
    assert refusal(sql) is None


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SET client_encoding = 'SQL_ASCII'", "UTF-8"),
        ("SET SESSION client_encoding TO latin1", "UTF-8"),
        ("SET LOCAL \"client_encoding\" = 'LATIN1'", "UTF-8"),
        ("SET NAMES 'win1252'", "UTF-8"),
        ("SET standard_conforming_strings = off", "E'"),
        ("SET LOCAL standard_conforming_strings TO 'off'", "E'"),
        ("SET session_authorization = 'x'", "session"),
        ("SET SESSION ROLE x", "session"),
        ('SET "role" TO x', "session"),
        ("RESET ALL", "session"),
    ],
)
def test_what_is_refused_says_why(sql: str, why: str) -> None:
    assert why in (refusal(sql) or "")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET statement_timeout = 0", OURS),
        ("SET statement_timeout = '1min'", Limits(60_000, 10_000)),
        ("SET LOCAL statement_timeout TO 1500", Limits(1500, 10_000)),
        ("SET lock_timeout = '0.5s'", Limits(600_000, 500)),
        ("SET lock_timeout TO '10us'", Limits(600_000, 1)),
        ("SET lock_timeout = '3 h'", OURS),
        ("RESET lock_timeout", OURS),
        ("SET transaction_timeout = '1s'", OURS),
        ("SET idle_in_transaction_session_timeout = 1", OURS),
        ("SET lock_timeout = 'soon'", None),
        ("SET lock_timeout = -1", None),
        ("SET work_mem = 1", None),
        ("SELECT 1", None),
    ],
)
def test_limits_may_be_lowered(sql: str, expected: Limits | None) -> None:
    (statement,) = splitter.split(sql)
    assert session_settings.lowered(OURS, OURS, statement) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SET NAMES utf8mb4", "SET NAMES 'utf8'", "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci", "SET NAMES DEFAULT",
        "SET CHARACTER SET utf8", "SET CHARSET 'utf8mb4'",
        "SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT", "SET character_set_client = utf8mb4",
        "SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT", "SET sql_mode = ''", "SET SESSION sql_mode = DEFAULT",
        "SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO'", "SET @@session.sql_mode = @OLD_SQL_MODE",
        "SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0", "SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0",
        "SET TIME_ZONE='+00:00'", "SET @@foreign_key_checks := 0", "SET @a = (SELECT 1, 2), @b = 'x'",
    ],
)  # fmt: skip
def test_what_passes_in_mysql(sql: str) -> None:
    assert mysql_refusal(sql) is None


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SET NAMES latin1", "UTF-8"),
        ("SET NAMES utf8 COLLATE utf8_bin", "UTF-8"),
        ("SET character_set_client = latin1", "UTF-8"),
        ("SET @x = 1, SESSION character_set_results = NULL", "UTF-8"),
        ("SET @@collation_connection = 'latin1_bin'", "UTF-8"),
        ("SET sql_mode = 'ANSI_QUOTES'", "ANSI_QUOTES"),
        ("SET SESSION sql_mode = 'STRICT_ALL_TABLES,no_backslash_escapes'", "NO_BACKSLASH_ESCAPES"),
        ("SET @a = 1, sql_mode = 'ORACLE'", "ORACLE"),
        ("SET GLOBAL x = 1", "the server"),
        ("SET @@global.sql_mode = ''", "the server"),
        ("SET STATEMENT max_statement_time = 1 FOR SELECT 1", "session"),
        ("SET autocommit = 1", "the transaction"),
        ("SET SESSION TRANSACTION READ ONLY", "the transaction"),
        ("SET max_statement_time = 0", "a blueprint may set user variables"),
        ("SET default_storage_engine = MyISAM", "a blueprint may set user variables"),
        ("SET CHARACTER SET latin1", "SET CHARACTER SET latin1 is not allowed: blueprints are sent in UTF-8"),
        ("SET CHARSET 'gbk'", "UTF-8"),
        ("SET PASSWORD = 'x'", "session"),
        ("SET ROLE x", "session"),
        ("SET", "session"),
        ("SET @", "session"),
        ("SET foreign_key_checks", "session"),
    ],
)
def test_what_is_refused_in_mysql_says_why(sql: str, why: str) -> None:
    assert why in (mysql_refusal(sql) or "")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET NAMES utf8", True),
        ("SET CHARACTER SET utf8", True),
        ("SET NAMES utf8mb4 COLLATE utf8mb4_bin", False),
        ("SET @a = 1", False),
    ],
)
def test_plain_names_are_what_the_session_is_already(sql: str, expected: bool) -> None:
    (statement,) = mysql_splitting.split(sql)
    assert mysql_settings.is_utf8_already(statement) is expected


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("INSERT INTO t VALUES (_latin1'é')", "_latin1 before a text"),
        ("INSERT INTO t VALUES (_LATIN1 /* c */ {{v}})", "_LATIN1 before a text"),
        ("CREATE PROCEDURE p() INSERT INTO t VALUES (_cp1251 'é')", "_cp1251 before a text"),
        ("SET @a = _sjis'é'", "_sjis before a text"),
        ("SELECT GET_LOCK('a', 1)", "GET_LOCK is not allowed"),
        ("CREATE PROCEDURE p() DO get_lock('a', 1)", "GET_LOCK is not allowed"),
        ("INSERT INTO t VALUES (_latin1'e'), (_utf8mb4'é'), (_binary'é'), (_latin1 x'e9')", None),
        ("SELECT _latin1, _name 'é', get_lock FROM t", None),
    ],
)
def test_what_is_refused_in_mysql_wherever_it_stands(sql: str, why: str | None) -> None:
    found = mysql_refusal(sql)
    assert found is None if why is None else why in (found or "")
