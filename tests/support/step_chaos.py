"""kill -9 at each step of a provisioning job, with another process to go on.

Two processes share one PostgreSQL, and one of them hosts MariaDB. Every round creates a database of the one engine or
the other and kills the process that reaches a step, in turn before the role, after the role, after the database and
before the commit that ends the job. The other has to finish it, or the host when it is back. Every other round deletes
a database. What is there in the end is what was accepted and not deleted: one role, one database and one row for each,
and one event of each kind, whatever was killed.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pymysql

from controlplane.db.server import Server
from controlplane.dev_controls import STEPS
from controlplane.engines.postgres.cluster import embedded_server
from controlplane.state_file import StateFile
from support import mysql, server_admin
from support.control_plane import ControlPlane, new_key, wait_active, wait_until
from support.receiver import Received, Receiver

KEY = "pk_live_of_the_kill_rounds"
ENGINES = ("postgres", "mysql")
TURNS = list(itertools.product(STEPS, ENGINES))
GRACE = 86_401  # seconds, and over


@dataclass
class Made:
    """What was accepted."""

    uuid: str
    engine: str
    user: str
    is_deleted: bool = False


@dataclass
class Rounds:
    """planes: the first one hosts MariaDB."""

    planes: list[ControlPlane]
    server: Server
    receiver: Receiver
    made: list[Made] = field(default_factory=list)

    @property
    def living(self) -> list[Made]:
        return [each for each in self.made if not each.is_deleted]

    def run(self, number: int) -> None:
        """One round: a creation whose process is killed, and every other time a deletion."""
        step, engine = TURNS[number % len(TURNS)]
        with self.planes[number % 2].admin() as admin:
            admin.patch("/provisioning", json={"kill_at": step}).raise_for_status()
        accepted = self.ask("POST", "/databases", json={"name": f"round-{number}", "db_type": engine})
        wait_until(lambda: any(plane.is_dead for plane in self.planes), seconds=60)
        (survivor,) = (plane for plane in self.planes if not plane.is_dead)
        if engine == "mysql":
            self.revive()  # nobody else has the files
        with survivor.client() as api:
            found = wait_active(api, accepted["uuid"], seconds=60)
        use(found)
        if number % 2 and self.living:
            self.ask("DELETE", f"/databases/{self.living[0].uuid}")
            self.living[0].is_deleted = True
        self.made.append(Made(found["uuid"], engine, found["db_username"]))
        self.revive()

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Again with the same key, here or there, as a client would: the first answer may be lost."""
        headers = new_key()
        deadline = time.monotonic() + 60
        for plane in itertools.cycle(self.planes):
            with contextlib.suppress(httpx.HTTPError), plane.client() as api:
                reply = api.request(method, path, headers=headers, **options)
                if reply.status_code in (200, 201, 202):
                    return dict(reply.json()["data"])
            assert time.monotonic() < deadline, "nobody answers"
        raise AssertionError

    def revive(self) -> None:
        for plane in self.planes:
            if plane.is_dead:
                plane.start()

    def check_servers(self) -> None:
        """Check that exactly the accepted databases are on the servers, and that each event was delivered once."""
        self.planes[0].advance(GRACE)
        with psycopg.connect(self.server.conninfo("polykomos_control"), autocommit=True) as conn:
            query = "SELECT uuid::text, db_type, db_name, status = 'active' FROM databases"
            rows = conn.execute(query).fetchall()
            assert sorted(row[0] for row in rows) == sorted(each.uuid for each in self.made), "lost or doubled rows"
            assert {row[0] for row in rows if row[3]} == {each.uuid for each in self.living}
            expected = {engine: self.expected(engine, rows) for engine in ENGINES}
            wait_until(lambda: on_postgres(conn) == expected["postgres"], seconds=60)
            assert conn.execute("SELECT count(*) FROM provision_jobs WHERE state <> 'done'").fetchone() == (0,)
            ((port,),) = conn.execute("SELECT port FROM mysql_server").fetchall()
        with server_admin.connect_mysql(self.planes[0], port) as server:
            wait_until(lambda: on_mysql(server) == expected["mysql"], seconds=60)
        self.check_events()

    def expected(self, engine: str, rows: list[Any]) -> tuple[set[str], set[str]]:
        """Databases and users."""
        names = {row[2] for row in rows if row[1] == engine and row[3]}
        return names, {each.user for each in self.living if each.engine == engine}

    def check_events(self) -> None:
        events = ("database.provisioning_started", "database.provisioned")
        expected = {(each.uuid, event) for each in self.made for event in events}
        expected |= {(each.uuid, "database.deleted") for each in self.made if each.is_deleted}
        wait_until(lambda: {event_of(each) for each in self.receiver.received} == expected, seconds=60)
        marks = {each.headers["X-Polykomos-Delivery"] for each in self.receiver.received}
        assert len(marks) == len(expected), "an event was queued twice"


def event_of(received: Received) -> tuple[str, str]:
    return received.content["data"]["uuid"], received.content["event"]


def use(database: dict[str, Any]) -> None:
    """Make a table, as who was given it."""
    statement = "CREATE TABLE mine (n int)"
    if database["db_type"] == "mysql":
        mysql.once(database, statement)
        return
    with psycopg.connect(database["connection_string"]) as connection:
        connection.execute(statement)


def on_postgres(conn: psycopg.Connection[Any]) -> tuple[set[str], set[str]]:
    """Databases and users of tenants."""
    own = list(server_admin.OWN_DATABASES)
    databases = conn.execute("SELECT datname FROM pg_database WHERE NOT datname = ANY(%s)", (own,))
    roles = conn.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^u[0-9]+$'")
    return {row[0] for row in databases}, {row[0] for row in roles}


def on_mysql(server: pymysql.Connection[Any]) -> tuple[set[str], set[str]]:
    """The same there."""
    own = {"information_schema", "mysql", "performance_schema", "sys", "polykomos_marks"}
    databases = {row[0] for row in mysql.ask(server, "SHOW DATABASES")} - own
    return databases, {row[0] for row in mysql.ask(server, "SELECT User FROM mysql.global_priv WHERE User LIKE 'u%'")}


def process(url: str, *where: str) -> ControlPlane:
    options = ("--database-url", url, "--api-key", KEY, "--rate-limit", "0", "--pool-size", "0")
    return ControlPlane(*where, *options, quick=False)


@contextlib.contextmanager
def prepared(directory: Path) -> Iterator[Rounds]:
    """Two processes on a PostgreSQL of their own, and who listens to them."""
    with contextlib.ExitStack() as stack:
        state = StateFile(directory / "state.json")
        server = stack.enter_context(embedded_server(directory / "postgres", state, ephemeral=True))
        url = f"postgresql://{server.user}:{server.password}@{server.host}:{server.port}/postgres"
        places = (("--data-dir", str(directory / "host")), ("--ephemeral",))
        planes = [stack.enter_context(process(url, *where)) for where in places]
        receiver = stack.enter_context(Receiver())
        with planes[0].client() as api:
            api.post("/webhook_endpoints", json={"url": receiver.url}, headers=new_key()).raise_for_status()
        yield Rounds(planes, server, receiver)
