"""A piece of work that fails for a reason of the control plane's own is tried again, and given up where that recurs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from controlplane.backoff import RetryDelays
from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until

INSERT = (
    "INSERT INTO blueprint_applications (blueprint_id, blueprint_version, database_id, user_id, rendered_sql,"
    " is_dry_run, at_creation, statements_total, created_at)"
    " SELECT b.id, 1, d.id, b.user_id, %(sql)s, false, %(at_creation)s, 1,"
    " now() FROM blueprints b, databases d WHERE b.uuid = %(blueprint)s AND d.uuid = %(database)s RETURNING id"
)


def blueprint(api: httpx.Client, sql: str = "CREATE TABLE t (i int)") -> str:
    reply = api.post("/blueprints", json={"name": "tried", "sql_content": sql}, headers=new_key())
    return str(reply.json()["data"]["uuid"])


@pytest.mark.parametrize("db_type", ["postgres", "mysql"])
def test_what_fails_three_times_alike_ends_failed(api: httpx.Client, control_plane: ControlPlane, db_type: str) -> None:
    """Six of them, as many as are run at once: another tenant's application is carried out all the same."""
    database, other = create_database(api, "broken", db_type=db_type), create_database(api, "fine")
    saved = blueprint(api)
    # No statement can be read of it: a fault of ours, as the API would have refused it.
    facts = {"sql": "SELECT 'open", "at_creation": False, "blueprint": saved, "database": database["uuid"]}
    with server_admin.connect(control_plane) as conn:
        numbers = [row[0] for _ in range(6) if (row := conn.execute(INSERT, facts).fetchone())]
    path = f"/databases/{other['uuid']}/blueprint_applications"
    done = api.post(path, json={"blueprint_uuid": saved, "timeout": 120}, headers=new_key()).json()["data"]
    assert done["status"] == "completed"

    def ended(number: int) -> dict[str, Any] | None:
        found: dict[str, Any] = api.get(f"/blueprint_applications/{number}").json()["data"]
        return found if found["status"] == "failed" else None

    for number in numbers:
        found = wait_until(lambda number=number: ended(number), seconds=90)
        assert found["error_message"] == (
            "The control plane could not run it: internal error (LexError). It was tried 3 times. Nothing was changed."
        )


def test_a_creation_whose_blueprint_cannot_be_run_is_a_database_all_the_same(
    api: httpx.Client, control_plane: ControlPlane
) -> None:
    body = {"name": "made", "blueprint_uuid": blueprint(api)}
    with control_plane.admin() as admin, server_admin.connect(control_plane) as conn:
        admin.patch("/provisioning", json={"delay_seconds": 2, "pool_size": 0}).raise_for_status()
        made = api.post("/databases", json=body, headers=new_key()).json()["data"]
        admin.patch("/provisioning", json={"delay_seconds": None, "pool_size": None}).raise_for_status()
        conn.execute(
            "UPDATE blueprint_applications SET rendered_sql = 'SELECT ''open' WHERE database_id ="
            " (SELECT id FROM databases WHERE uuid = %s)",
            (made["uuid"],),
        )
        wait_active(api, made["uuid"], seconds=90)
        found = conn.execute(
            "SELECT a.status, a.tries FROM blueprint_applications a JOIN databases d ON d.id = database_id"
            " WHERE d.uuid = %s",
            (made["uuid"],),
        ).fetchone()
    assert found == ("failed", 3)


def test_a_database_that_cannot_be_destroyed_keeps_no_other_waiting(control_plane: ControlPlane) -> None:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as plane, plane.client() as api:
        stuck, fine = create_database(api, "stuck"), create_database(api, "fine")
        with server_admin.connect(plane) as conn:
            # A database that is a template cannot be dropped.
            conn.execute(f'ALTER DATABASE "{stuck["db_name"]}" IS_TEMPLATE true')
            for database in (stuck, fine):
                api.delete(f"/databases/{database['uuid']}", headers=new_key()).raise_for_status()
            plane.advance(25 * 3600)

            def destroyed(database: dict[str, Any]) -> bool:
                query = "SELECT destroyed_at IS NOT NULL FROM databases WHERE uuid = %s"
                return conn.execute(query, (database["uuid"],)).fetchone() == (True,)

            wait_until(lambda: destroyed(fine), seconds=60)
            keys = "SELECT count(*) FROM idempotency_keys"
            wait_until(lambda: conn.execute(keys).fetchone() == (0,), seconds=60)  # they expire all the same
            assert not destroyed(stuck)
            conn.execute(f'ALTER DATABASE "{stuck["db_name"]}" IS_TEMPLATE false')
            wait_until(lambda: destroyed(stuck), seconds=90)


def test_pauses_grow_and_end() -> None:
    now = 0.0
    postponed = RetryDelays(lambda: now)
    assert [postponed.add(7) for _ in range(10)] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600]
    assert postponed.now() == [7]
    now = 601
    assert postponed.now() == []
    postponed.forget(7)
    assert postponed.add(7) == 2
