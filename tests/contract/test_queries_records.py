"""What is kept of every query, also when the process dies in the middle of one."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support import server_admin
from support.control_plane import ControlPlane, create_database, wait_until

KEPT = "SELECT id, text, sql, kind, status, error_code, rows FROM query_executions ORDER BY id"


def ask(client: httpx.Client, database: dict[str, Any], query: str) -> None:
    client.post("/query_executions", json={"database_uuid": database["uuid"], "query": query})


@pytest.fixture
def plane(tmp_path: Path) -> ControlPlane:
    return ControlPlane("--data-dir", str(tmp_path), "--rate-limit", "0", "--pool-size", "1")


def test_every_query_is_recorded_without_rows(plane: ControlPlane) -> None:
    with plane, plane.client() as client:
        database = create_database(client, "kept")
        make = 'CREATE TABLE "notes" ("id" SERIAL PRIMARY KEY, "title" TEXT)'
        with plane.admin() as admin:
            admin.put("/queries", json={"query": "Make the notes", "sql": make}).raise_for_status()
        for query in ("make the notes", "add note Secret", "show all notes", "SELECT 1/0", "huh", "DROP TABLE t"):
            ask(client, database, query)
        with server_admin.connect(plane) as conn:
            add, every = """INSERT INTO "notes" ("title") VALUES ('Secret')""", 'SELECT * FROM "notes" LIMIT 100'
            assert conn.execute(KEPT).fetchall() == [
                (1, "make the notes", make, "ddl_batch", "succeeded", None, 1),
                (2, "add note Secret", add, "write", "succeeded", None, 1),
                (3, "show all notes", every, "select", "succeeded", None, 1),
                (4, "SELECT 1/0", "SELECT 1/0", "select", "failed", "query_execution_failed", None),
                (5, "huh", None, None, "refused", "query_not_understood", None),
                (6, "DROP TABLE t", "DROP TABLE t", None, "refused", "unsafe_query", None),
            ]


def test_what_a_dead_process_was_at_is_lost(plane: ControlPlane) -> None:
    with plane, plane.client() as client:
        database = create_database(client, "lost")
        # The server ends this connection when it starts again.
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(database["connection_string"]) as conn:
            conn.execute("CREATE TABLE held (id int)")
            conn.commit()
            conn.execute("LOCK TABLE held")

            def asked() -> None:
                with pytest.raises(httpx.HTTPError):
                    ask(client, database, "SELECT * FROM held")

            thread = threading.Thread(target=asked)
            thread.start()
            with server_admin.connect(plane) as store:
                wait_until(lambda: store.execute(KEPT).fetchall())
            plane.kill()
            thread.join()
        plane.restart()

        def status() -> bool:
            with server_admin.connect(plane) as store:
                return store.execute("SELECT status FROM query_executions").fetchall() == [("lost",)]

        wait_until(status)
