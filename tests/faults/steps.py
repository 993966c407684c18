"""`make chaos`, second part: kill -9 at each step of a provisioning job, with another process to go on.

ROUNDS (default 20). Two processes share one PostgreSQL; every round kills the one that reaches a step, in turn before
the role, after the role, after the database and before the commit that ends the job. The other has to finish it: one
role, one database, one row and one event of each kind for each call that was accepted, whatever was killed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg

from controlplane.controls import STEPS
from controlplane.postgres.cluster import embedded_server
from controlplane.state_file import StateFile
from controlplane.store.server import Server
from support.control_plane import ControlPlane, new_key, wait_active, wait_until
from support.receiver import Receiver

KEY = "pk_live_of_the_kill_rounds"


def process(url: str) -> ControlPlane:
    return ControlPlane("--ephemeral", "--database-url", url, "--api-key", KEY, "--rate-limit", "0", "--pool-size", "0")


def round_of(planes: list[ControlPlane], number: int) -> str:
    """The uuid of the database that was made though its job was killed."""
    asked = planes[number % 2]
    with asked.admin() as admin:
        admin.patch("/provisioning", json={"kill_at": STEPS[number % len(STEPS)]}).raise_for_status()
    key = new_key()
    made: dict[str, Any] = {}
    deadline = time.monotonic() + 60
    while not made:
        assert time.monotonic() < deadline, "nobody answers"
        # Asked again with the same key, here or there, as a client would: the first answer may be lost.
        for plane in (asked, *planes):
            with contextlib.suppress(httpx.HTTPError), plane.client() as api:
                reply = api.post("/databases", json={"name": f"round-{number}"}, headers=key)
                if reply.status_code in (201, 202):
                    made = reply.json()["data"]
                    break
    wait_until(lambda: [plane for plane in planes if plane.is_dead], seconds=60)
    survivors = [plane for plane in planes if not plane.is_dead]
    assert len(survivors) == 1
    with survivors[0].client() as api:
        found = wait_active(api, made["uuid"])
    with psycopg.connect(found["connection_string"]) as connection:
        connection.execute("CREATE TABLE mine (n int)")
    for plane in planes:
        if plane.is_dead:
            plane.start()
    return str(made["uuid"])


def held(server: Server, uuids: list[str], receiver: Receiver) -> None:
    """Exactly what was accepted is on the server, and was told."""
    with psycopg.connect(server.conninfo("polykomos_control")) as conn:
        rows = conn.execute("SELECT uuid::text, db_name, db_username, status FROM databases").fetchall()
        databases = {row[0] for row in conn.execute("SELECT datname FROM pg_database")}
        roles = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^u[0-9]+$'")}
        open_jobs = conn.execute("SELECT count(*) FROM provision_jobs WHERE state <> 'done'").fetchone()
    own = {"polykomos_control", "polykomos_scratch", "postgres", "template0", "template1"}
    assert sorted(row[0] for row in rows) == sorted(uuids), "lost or doubled databases"
    assert databases - own == {row[1] for row in rows}, "lost or orphaned databases on the server"
    assert roles == {row[2] for row in rows}, "lost or orphaned roles"
    assert {row[3] for row in rows} == {"active"}
    assert open_jobs == (0,)
    wanted = {(uuid, event) for uuid in uuids for event in ("database.provisioning_started", "database.provisioned")}

    def heard() -> set[tuple[str, str]]:
        return {(each.content["data"]["uuid"], each.content["event"]) for each in receiver.received}

    wait_until(lambda: heard() == wanted, seconds=60)
    marks = {each.headers["X-Polykomos-Delivery"] for each in receiver.received}
    assert len(marks) == len(wanted), "an event was queued twice"


def main() -> int:
    rounds = int(os.environ.get("ROUNDS", "20"))
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        state = StateFile(directory / "state.json")
        server = stack.enter_context(embedded_server(directory / "postgres", state, ephemeral=True))
        url = f"postgresql://{server.user}:{server.password}@{server.host}:{server.port}/postgres"
        planes = [stack.enter_context(process(url)) for _ in range(2)]
        receiver = stack.enter_context(Receiver())
        with planes[0].client() as api:
            api.post("/webhook_endpoints", json={"url": receiver.url}, headers=new_key()).raise_for_status()
        began = time.monotonic()
        uuids = []
        for number in range(rounds):
            uuids.append(round_of(planes, number))
            print(f"steps: killed {STEPS[number % len(STEPS)]}, made all the same ({number + 1}/{rounds})", flush=True)
        held(server, uuids, receiver)
    print(f"{rounds} passed, 0 failed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
