"""`make chaos`: kill -9 of the control plane at random moments of provisioning and applying; nothing lost or doubled.

ROUNDS (default 20) and SEED (default random, printed) come from the environment. Every round creates databases and
applies a blueprint, kills the process somewhere in between, starts it again and waits until all has ended. Then the
servers must hold exactly what was accepted: one user and one database each, and the blueprint's row exactly once. Both
engines take part.
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
import pymysql

from support import mysql, server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until

SQL = {
    "postgres": "CREATE TABLE IF NOT EXISTS ran (at int); SELECT pg_sleep(0.2); INSERT INTO ran VALUES (1);",
    # Rows only: what MySQL commits by itself cannot be done again.
    "mysql": "DO sleep(0.2); INSERT INTO `ran` VALUES (1);",
}


POOL = 1
PER_ROUND = 2  # databases of each engine


def accepted(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code in (200, 201, 202), reply.text
    return reply.json()["data"]


Target = tuple[dict[str, Any], str]
"""A database and a blueprint for it."""


def round_of(plane: ControlPlane, rng: random.Random, targets: list[Target]) -> None:
    orders = [(engine, n, new_key()) for engine in SQL for n in range(PER_ROUND)]
    applications = [new_key() for _ in targets]

    def ask() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Also after the crash, with the same keys: what was accepted is answered again, what was not is made."""
        with plane.client() as api:
            made = [
                accepted(api.post("/databases", json={"name": f"chaos-{n}", "db_type": engine}, headers=key))
                for engine, n, key in orders
            ]
            runs = [
                accepted(
                    api.post(
                        f"/databases/{target['uuid']}/blueprint_applications",
                        json={"blueprint_uuid": blueprint, "wait": False},
                        headers=key,
                    )
                )
                for (target, blueprint), key in zip(targets, applications, strict=True)
            ]
            return made, runs

    def first() -> None:
        with contextlib.suppress(httpx.HTTPError, AssertionError):  # cut off by the kill, which is the point
            ask()

    asking = threading.Thread(target=first)
    asking.start()
    time.sleep(rng.uniform(0, 1.5))
    plane.kill()
    asking.join()
    plane.start()
    made, runs = ask()
    with plane.client() as api:
        for database in made:
            found = wait_active(api, database["uuid"])
            assert query(found, "SELECT 1") == [(1,)]
        for run in runs:
            path = f"/blueprint_applications/{run['id']}"
            wait_until(lambda path=path: api.get(path).json()["data"]["status"] == "completed")


def query(database: dict[str, Any], statement: str) -> list[tuple[Any, ...]]:
    """Its rows; a server that was restarted may take a moment."""
    found: list[tuple[Any, ...]] = []

    def answered() -> bool:
        try:
            if database["db_type"] == "mysql":
                found[:] = mysql.once(database, statement)
            else:
                with psycopg.connect(database["connection_string"]) as connection:
                    found[:] = connection.execute(statement).fetchall()
        except (psycopg.OperationalError, pymysql.err.OperationalError):
            return False
        return True

    wait_until(answered)
    return found


def check_servers(plane: ControlPlane, targets: list[Target], rounds: int) -> None:
    """Check that exactly what was accepted is on the servers."""
    with plane.client() as api:
        listed = []
        cursor: dict[str, Any] = {}
        while True:
            page = api.get("/databases", params={"limit": 100, **cursor}).json()
            listed += page["data"]
            if not page["has_more"]:
                break
            cursor = {"starting_after": listed[-1]["uuid"]}
    expected = len(SQL) * (1 + PER_ROUND * rounds)
    assert len(listed) == expected, f"{len(listed)} databases, not {expected}"
    for target, _ in targets:
        ran = query(target, "SELECT count(*) FROM ran")
        assert ran == [(rounds,)], f"an application in {target['db_type']} ran twice or never: {ran}, not {rounds}"
    by_engine = {engine: [one for one in listed if one["db_type"] == engine] for engine in SQL}
    check_postgres(plane, by_engine["postgres"])
    check_mysql(plane, by_engine["mysql"])


def check_postgres(plane: ControlPlane, listed: list[dict[str, Any]]) -> None:
    with server_admin.connect(plane) as connection:
        on_server = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
    assert {database["db_name"] for database in listed} <= on_server
    wait_until(lambda: not server_admin.unaccounted(plane))


def check_mysql(plane: ControlPlane, listed: list[dict[str, Any]]) -> None:
    with server_admin.connect_mysql(plane, listed[0]["port"]) as connection:
        ours = {"information_schema", "mysql", "performance_schema", "sys", "polykomos_marks"}
        on_server = {row[0] for row in mysql.ask(connection, "SHOW DATABASES")} - ours
        users = {row[0] for row in mysql.ask(connection, "SELECT User FROM mysql.global_priv WHERE User LIKE 'u%'")}
        wait_until(lambda: not mysql.ask(connection, "SHOW TABLES FROM polykomos_marks"))
    assert on_server == {database["db_name"] for database in listed}
    assert {database["db_username"] for database in listed} <= users
    assert len(users) - len(listed) <= POOL, f"{len(users) - len(listed)} orphaned users"


def main() -> int:
    rounds = int(os.environ.get("ROUNDS", "20"))
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"chaos: {rounds} rounds, SEED={seed}", flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        arguments = ["--data-dir", str(Path(directory) / "data"), "--rate-limit", "0", "--provision-delay", "0.1"]
        with ControlPlane(*arguments, "--pool-size", str(POOL), quick=False) as plane:
            with plane.client() as api:
                targets = []
                for engine, sql in SQL.items():
                    target = create_database(api, "target", db_type=engine)
                    if engine == "mysql":
                        mysql.once(target, "CREATE TABLE ran (at int)")
                    body = {"name": "chaos", "sql_content": sql}
                    targets.append((target, accepted(api.post("/blueprints", json=body, headers=new_key()))["uuid"]))
            for number in range(1, rounds + 1):
                round_of(plane, rng, targets)
                print(f"chaos: round {number} whole again", flush=True)
            check_servers(plane, targets, rounds)
    print(f"{rounds} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
