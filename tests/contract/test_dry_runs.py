"""Dry runs of different users side by side: they neither disturb nor see each other, nor hold others up."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from support.control_plane import OTHER_KEY, ControlPlane, new_key
from support.operations import error_of


def validate(plane: ControlPlane, sql: str) -> dict[str, Any]:
    with plane.client() as api:
        reply = api.post("/blueprint_validations", json={"sql_content": sql}, timeout=180)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def validate_together(plane: ControlPlane, count: int, sql: str) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(lambda _: validate(plane, sql), range(count)))


def test_more_at_once_than_there_are_connections(control_plane: ControlPlane) -> None:
    verdicts = validate_together(control_plane, 40, "CREATE TABLE same (id int)")
    assert all(verdict["valid"] for verdict in verdicts)


def test_more_creations_at_once_than_there_are_connections(control_plane: ControlPlane) -> None:
    def create(_: int) -> int:
        with control_plane.client() as api:
            body = {"name": "same", "sql_content": "CREATE TABLE same (id int)"}
            return api.post("/blueprints", json=body, headers=new_key(), timeout=60).status_code

    with ThreadPoolExecutor(40) as threads:
        assert set(threads.map(create, range(40))) == {201}


def test_two_that_name_the_same_schema(control_plane: ControlPlane) -> None:
    verdicts = validate_together(control_plane, 2, "CREATE TABLE public.same (id int); SELECT pg_sleep(1.5)")
    assert [verdict["errors"] for verdict in verdicts] == [[], []]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT query FROM pg_stat_activity",
        "SELECT pg_stat_get_backend_activity(1)",
        "SELECT pg_terminate_backend(pid) FROM pg_locks",
        "SELECT pg_cancel_backend(pid) FROM pg_locks",
    ],
)
def test_other_sessions_are_out_of_reach(control_plane: ControlPlane, sql: str) -> None:
    assert "permission denied" in " ".join(validate(control_plane, sql)["errors"])


def test_many_slow_statements_have_an_end(control_plane: ControlPlane) -> None:
    with control_plane.client() as api:
        reply = api.post("/blueprint_validations", json={"sql_content": "SELECT pg_sleep(4.5);" * 20}, timeout=60)
    assert error_of(reply, 503, "validation_timeout")["statements_total"] == 20


def test_others_are_answered_while_much_sql_is_read(control_plane: ControlPlane) -> None:
    """A megabyte is seconds of reading; a handler that did it itself would keep everyone waiting."""
    with ThreadPoolExecutor(1) as threads, control_plane.client() as api:
        slow = threads.submit(validate, control_plane, "SELECT " + "(" * 900_000)
        time.sleep(0.3)
        waits = []
        while not slow.done():
            began = time.monotonic()
            assert api.get("/me").status_code == 200
            waits.append(time.monotonic() - began)
        assert slow.result()["valid"] is False
    assert len(waits) > 5, "nobody else was answered meanwhile"


def test_slow_dry_runs_of_one_user_do_not_delay_other_users(control_plane: ControlPlane) -> None:
    """More creations than there are connections to the store, each of which takes some seconds."""

    def create(_: int) -> int:
        with control_plane.client() as api:
            body = {"name": "slow", "sql_content": "SELECT pg_sleep(4)"}
            return api.post("/blueprints", json=body, headers=new_key(), timeout=120).status_code

    with ThreadPoolExecutor(20) as threads, control_plane.client(OTHER_KEY) as other:
        slow = [threads.submit(create, number) for number in range(20)]
        time.sleep(0.5)
        body = {"name": "quick", "sql_content": "SELECT 1"}
        assert other.get("/me").status_code == 200
        assert other.post("/blueprints", json=body, headers=new_key()).status_code == 201
        assert sum(not one.done() for one in slow) >= 12, "another user waited for the slow ones"
        assert {one.result() for one in slow} <= {201, 503}


def test_a_creation_that_is_not_valid_frees_its_key(api: httpx.Client) -> None:
    """invalid_sql is not kept, so the same key may carry the mended SQL (api-facts, idempotency)."""
    key = new_key()
    for sql, status in (("SELEC 1", 422), ("SELECT 1", 201)):
        reply = api.post("/blueprints", json={"name": "mended", "sql_content": sql}, headers=key)
        assert reply.status_code == status, reply.text


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE r (t text); INSERT INTO r SELECT 'x' FROM generate_series(1, {n}) RETURNING repeat('x', 1000)",
        "CREATE TABLE r (t text); WITH new AS (INSERT INTO r VALUES ('x') RETURNING t)"
        " SELECT repeat(t, 1000) FROM new, generate_series(1, {n})",
        "DECLARE c CURSOR FOR SELECT repeat('x', 1000) FROM generate_series(1, {n}); FETCH ALL FROM c",
    ],
)
def test_rows_that_nobody_reads_fill_no_memory(control_plane: ControlPlane, sql: str) -> None:
    """150 MB of them."""
    process = psutil.Process(control_plane.pid)
    validate(control_plane, "SELECT 1")
    before = process.memory_info().rss
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(validate, control_plane, sql.format(n=150_000))
        most = before
        while not done.done():
            most = max(most, process.memory_info().rss)
            time.sleep(0.02)
    assert done.result()["errors"] == []
    assert most - before < 80_000_000


def test_a_message_of_any_length_is_cut(control_plane: ControlPlane) -> None:
    sql = "DO $$ BEGIN RAISE EXCEPTION '%', repeat('é', 1000000) USING HINT = repeat('ö', 1000000); END $$"
    (error,) = validate(control_plane, sql)["errors"]
    assert error.startswith("line 1, column 1: statement 1: ééé")
    assert len(error) < 5_000


@pytest.mark.parametrize("name", ["nosuch", "`t`"])
def test_many_statements_that_one_engine_refuses_are_validated_in_time(control_plane: ControlPlane, name: str) -> None:
    """Each costs PostgreSQL a round trip, so after 50 that are wrong it is not asked any more."""
    head = "CREATE TABLE `t` (i int);\n" if "`" in name else ""
    verdict = validate(control_plane, head + f"INSERT INTO {name} VALUES (1);\n" * 3_000)
    assert verdict["errors"] == []


def test_what_was_not_tried_is_said(control_plane: ControlPlane) -> None:
    errors = validate(control_plane, "SELECT 1::nosuch.t;\nSELEC $$x$$;\n" * 60)["errors"]
    assert "for PostgreSQL: line 120, column 1: statement 120: " not in " ".join(errors)
    assert any("not tried, because 50 statements before it are wrong" in error for error in errors)
