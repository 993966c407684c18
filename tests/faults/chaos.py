"""`make chaos`: kill -9 of the control plane at random moments of provisioning and applying; nothing lost or doubled.

ROUNDS (default 20) and SEED (default random, printed) come from the environment. Every round creates databases and
applies a blueprint, kills the process somewhere in between, starts it again and waits until all has ended. Then the
server must hold exactly what was accepted: one role and one database each, and the blueprint's row exactly once.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg

from support import inside
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until

SQL = "CREATE TABLE IF NOT EXISTS ran (at int); SELECT pg_sleep(0.2); INSERT INTO ran VALUES (1);"


def accepted(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code in (200, 201, 202), reply.text
    return reply.json()["data"]


def round_of(plane: ControlPlane, rng: random.Random, blueprint: str, target: dict[str, Any]) -> None:
    keys = [new_key() for _ in range(3)]
    application = new_key()

    def ask() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Also after the crash, with the same keys: what was accepted is answered again, what was not is made."""
        with plane.client() as api:
            made = [
                accepted(api.post("/databases", json={"name": f"chaos-{n}"}, headers=k)) for n, k in enumerate(keys)
            ]
            path = f"/databases/{target['uuid']}/blueprint_applications"
            body = {"blueprint_uuid": blueprint, "wait": False}
            return made, accepted(api.post(path, json=body, headers=application))

    def first() -> None:
        with contextlib.suppress(httpx.HTTPError, AssertionError):  # cut off by the kill, which is the point
            ask()

    asking = threading.Thread(target=first)
    asking.start()
    time.sleep(rng.uniform(0, 0.7))
    plane.kill()
    asking.join()
    plane.start()
    made, run = ask()
    with plane.client() as api:
        for database in made:
            found = wait_active(api, database["uuid"])
            with psycopg.connect(found["connection_string"]) as connection:
                connection.execute("SELECT 1")
        path = f"/blueprint_applications/{run['id']}"
        wait_until(lambda: api.get(path).json()["data"]["status"] == "completed")


def held(plane: ControlPlane, target: dict[str, Any], rounds: int) -> None:
    """Exactly what was accepted is on the server."""
    with plane.client() as api:
        listed = []
        cursor: dict[str, Any] = {}
        while True:
            page = api.get("/databases", params={"limit": 100, **cursor}).json()
            listed += page["data"]
            if not page["has_more"]:
                break
            cursor = {"starting_after": listed[-1]["uuid"]}
    assert len(listed) == 1 + 3 * rounds, f"{len(listed)} databases, not {1 + 3 * rounds}"
    with inside.connect(plane, target["port"]) as connection:
        ours = "polykomos_control", "polykomos_scratch", "postgres", "template0", "template1"
        rows = connection.execute("SELECT datname FROM pg_database WHERE NOT datname = ANY(%s)", (list(ours),))
        on_server = {row[0] for row in rows}
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^u[0-9]+$'")}
        pooled = connection.execute("SELECT count(*) FROM pool_instances").fetchone() or (0,)
    assert {database["db_name"] for database in listed} <= on_server
    surplus = len(on_server) - len(listed)
    assert surplus <= pooled[0], f"{surplus - pooled[0]} orphaned databases"
    assert len(roles) - len(listed) <= pooled[0], "orphaned roles"
    with psycopg.connect(target["connection_string"]) as connection:
        assert connection.execute("SELECT count(*) FROM ran").fetchone() == (rounds,), (
            "an application ran twice or never"
        )


def main() -> int:
    rounds = int(os.environ.get("ROUNDS", "20"))
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"chaos: {rounds} rounds, SEED={seed}", flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        arguments = ["--data-dir", str(Path(directory) / "data"), "--rate-limit", "0", "--provision-delay", "0.1"]
        with ControlPlane(*arguments, "--pool-size", "1") as plane:
            with plane.client() as api:
                target = create_database(api, "target")
                body = {"name": "chaos", "sql_content": SQL}
                blueprint = accepted(api.post("/blueprints", json=body, headers=new_key()))["uuid"]
            for number in range(1, rounds + 1):
                round_of(plane, rng, blueprint, target)
                print(f"chaos: round {number} whole again", flush=True)
            held(plane, target, rounds)
    print(f"{rounds} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
