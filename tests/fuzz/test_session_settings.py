"""Random session settings before, between and after statements: other tenants neither wait nor see another result, text
is stored as it was written, and every application ends without a fault of the control plane.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest

from support import mysql, server_admin
from support.control_plane import ControlPlane, create_database, new_key
from support.fuzz import SECONDS, cases
from support.random_settings import (
    mysql_change,
    mysql_telling_change,
    mysql_variables,
    postgres_change,
    postgres_variables,
    telling_change,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 400)]

TEXT = "é 漢 😀 ' \\"
DEFAULTS = "CREATE TABLE seen AS SELECT current_setting('client_encoding') AS a, current_setting('search_path') AS b"
_FAULTS = ("internal_error", "internal error", "could not run it")


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2", "--free-queries", "0") as running:
        yield running


@pytest.fixture
def api(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as client:
        yield client


def ask(api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = api.post(path, json=body, headers=new_key())
    assert not any(fault in reply.text for fault in _FAULTS), reply.text
    found: dict[str, Any] = reply.json()
    return {**found, "status_code": reply.status_code}


def apply(api: httpx.Client, database: dict[str, Any], sql: str) -> dict[str, Any] | None:
    """The application's outcome; None where the blueprint was refused."""
    made = ask(api, "/blueprints", {"name": "fuzz", "sql_content": sql})
    if made["status_code"] != 201:
        assert made["status_code"] == 422, made
        return None
    body = {"blueprint_uuid": made["data"]["uuid"], "timeout": 120}
    done = ask(api, f"/databases/{database['uuid']}/blueprint_applications", body)
    assert done["status_code"] == 200, f"it did not end: {done}"
    outcome: dict[str, Any] = done["data"]
    return outcome


def woven(choose: random.Random, fixed: list[str], change: Any) -> str:
    """The fixed statements with changes before, between and after them."""
    parts = []
    for statement in [*fixed, ""]:
        parts += [change() for _ in range(choose.choice((0, 1, 1, 2)))]
        parts.append(statement)
    return ";\n".join(filter(None, parts))


def check_faults(plane: ControlPlane, before: int) -> int:
    """No error in the log since; returns where it ends now."""
    text = plane.log_text
    errors = [line for line in text[before:].splitlines() if json.loads(line)["level"] == "error"]
    assert not errors, errors[0][:3000]
    return len(text)


def check_others(api: httpx.Client, other: dict[str, Any]) -> None:
    """What another tenant gets is what it always gets."""
    verdict = ask(api, "/blueprint_validations", {"sql_content": "CREATE TABLE public.t (n text); SELECT 'é' FROM t"})
    assert (verdict["data"]["valid"], verdict["data"]["warnings"]) == (True, []), verdict
    done = apply(api, other, f"DROP TABLE IF EXISTS seen; {DEFAULTS}")
    assert done is not None
    assert done["status"] == "completed", done
    with psycopg.connect(other["connection_string"]) as conn:
        assert conn.execute("SELECT * FROM seen").fetchall() == [("UTF8", '"$user", public')]


def test_in_postgresql(plane: ControlPlane, api: httpx.Client) -> None:
    other = create_database(api, "other")
    variables = postgres_variables(other["connection_string"])
    log, completed, runs = len(plane.log_text), 0, 0
    noisy = create_database(api, "noisy")
    for number, (seed, choose) in enumerate(cases()):
        if number % 20 == 19:
            noisy = create_database(api, f"noisy-{number}")
        quoted = TEXT.replace("'", "''")
        fixed = [f"CREATE TABLE public.kept_{number} (n text)", f"INSERT INTO public.kept_{number} VALUES ('{quoted}')"]
        is_telling = choose.random() < 0.5
        change = partial(telling_change, choose)
        if not is_telling:
            change = partial(postgres_change, choose, variables, noisy["db_name"])
        sql = woven(choose, fixed, change)
        shown = f"POLYKOMOS_FUZZ_SEED={seed}\n{sql}"
        try:
            runs += 1
            done = apply(api, noisy, sql)
            with psycopg.connect(
                noisy["connection_string"], autocommit=True, client_encoding="UTF8",
                options="-c statement_timeout=0 -c standard_conforming_strings=on -c search_path=public",
            ) as conn:  # fmt: skip
                if is_telling:
                    assert done is not None
                    assert done["status"] == "completed", done
                there = conn.execute(f"SELECT to_regclass('public.kept_{number}') IS NOT NULL").fetchone() == (True,)
                assert there is (done is not None and done["status"] == "completed")
                if there:
                    completed += 1
                    assert conn.execute(f"SELECT n FROM public.kept_{number}").fetchall() == [(TEXT,)]
                    conn.execute("ALTER ROLE CURRENT_USER RESET ALL")
            ask_query(api, noisy, f"SELECT n FROM public.kept_{number}")
            check_others(api, other)
            log = check_faults(plane, log)
        except BaseException as error:
            error.add_note(shown)
            raise
    print(f"{runs} cases, {completed} of them applied")
    assert completed or runs < 20, "no case was applied"
    with server_admin.connect(plane) as conn:
        assert conn.execute("SELECT count(*) FROM blueprint_applications WHERE tries > 0").fetchone() == (0,)
        roles = conn.execute("SELECT rolname FROM pg_roles WHERE rolconfig IS NOT NULL").fetchall()
        assert {name for (name,) in roles} <= {name for (name,) in conn.execute("SELECT db_username FROM databases")}


def ask_query(api: httpx.Client, database: dict[str, Any], query: str) -> None:
    answer = ask(api, "/query_executions", {"database_uuid": database["uuid"], "query": query})
    if answer["status_code"] == 200:
        assert answer["result"]["rows"] in ([{"n": TEXT}], []), answer
    else:
        assert answer["error"]["code"] in ("query_execution_failed", "unsafe_query"), answer


def _numbered(change: Callable[..., str], numbers: Iterator[int], *arguments: Any) -> str:
    return change(*arguments, next(numbers))


def test_in_mysql(plane: ControlPlane, api: httpx.Client) -> None:
    other, noisy = (
        create_database(api, "mysql-other", db_type="mysql"),
        create_database(api, "mysql-noisy", db_type="mysql"),
    )
    variables = mysql_variables(other)
    log, completed, runs = len(plane.log_text), 0, 0
    for number, (seed, choose) in enumerate(cases()):
        quoted = TEXT.replace("\\", "\\\\").replace("'", "\\'")
        table = f"`kept_{number}`"
        made = f"CREATE TABLE {table} (n text CHARACTER SET utf8mb4) ENGINE=InnoDB"
        fixed = [made, f"INSERT INTO {table} VALUES ('{quoted}')"]
        numbers = iter(range(number * 100, number * 100 + 100))
        is_telling = choose.random() < 0.5
        change = partial(_numbered, mysql_telling_change, numbers, choose)
        if not is_telling:
            change = partial(_numbered, mysql_change, numbers, choose, variables)
        sql = woven(choose, fixed, change)
        try:
            runs += 1
            done = apply(api, noisy, sql)
            if is_telling:
                assert done is not None
                assert done["status"] == "completed", done
            if done is not None and done["status"] == "completed":
                completed += 1
                assert mysql.once(noisy, f"SELECT hex(n) FROM {table}") == [(TEXT.encode().hex().upper(),)]
            elif done is not None:
                assert done["error_message"], done
            seen = apply(
                api, other, "CREATE OR REPLACE TABLE `seen` AS SELECT @@sql_mode AS m, @@max_statement_time = 600 AS s"
            )
            assert seen is not None
            assert seen["status"] == "completed", seen
            log = check_faults(plane, log)
        except BaseException as error:
            error.add_note(f"POLYKOMOS_FUZZ_SEED={seed}\n{sql}")
            raise
    print(f"{runs} cases, {completed} of them applied")
    assert completed or runs < 20, "no case was applied"


# Such a dry run takes some seconds by itself; others must be done before it.
_HOLDS = (
    "SELECT pg_advisory_lock(0x706C6163)", "CREATE TABLE public.t (n text)", "SELECT pg_advisory_xact_lock(1)",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE CURRENT_USER SET work_mem = 64'; END $$",
    "LOCK TABLE pg_class IN ACCESS SHARE MODE",
    "SET lock_timeout = 0", "CREATE EXTENSION IF NOT EXISTS pg_trgm", "SELECT lo_create(1)", "CREATE SCHEMA same",
)  # fmt: skip


def seconds_of_others(api: httpx.Client, sql: str) -> float:
    """How long another tenant's validations take."""
    began = time.monotonic()
    for each in (sql, "CREATE TABLE t (n text)", sql):
        verdict = ask(api, "/blueprint_validations", {"sql_content": each})
        assert verdict["data"]["valid"], verdict
    return time.monotonic() - began


def test_others_do_not_wait_for_a_long_dry_run(plane: ControlPlane, api: httpx.Client) -> None:
    for seed, choose in cases(SECONDS / 2):
        holds = choose.sample(_HOLDS, 3)
        long = ";\n".join([*holds, "SELECT pg_sleep(12)"])
        # The same objects, advisory locks of its own.
        mine = ";\n".join(one for one in holds if "advisory" not in one) or "SELECT 1"
        with ThreadPoolExecutor(1) as threads, plane.client() as client:
            noisy = threads.submit(ask, client, "/blueprint_validations", {"sql_content": long})
            try:
                took = seconds_of_others(api, mine)
                # On a busy machine they may take as long by themselves.
                assert not noisy.done() or took < 2 * seconds_of_others(api, mine) + 3, f"others had to wait: {took} s"
            except BaseException as error:
                error.add_note(f"POLYKOMOS_FUZZ_SEED={seed}\n{long}\n--\n{mine}")
                raise
            noisy.result()
