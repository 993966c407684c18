"""Any sequence of calls on databases, of days, restarts and kills, against a model in plain Python.

The model knows what api-facts promises: what a rename and a quota patch change (null clears, omitted keeps: op 7, S12),
that deletion is final (S4, S5), that lists are newest first (Pagination), that a key replays or conflicts, and is
forgotten after a day, when what was deleted is destroyed too; that another user sees none of it (S34).
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pymysql
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support import mysql, server_admin
from support.control_plane import OTHER_KEY, ControlPlane, wait_active, wait_until
from support.operations import BY_NAME, Operation, error_of, list_all

# S11 and the columns of the table of quotas.
FREE = {"storage_hard_limit_gb": 1, "connection_hard_limit": 20, "warning_threshold_pct": 80}
LAUNCH = {"storage_hard_limit_gb": 10, "connection_hard_limit": 50, "warning_threshold_pct": 80}
ON_A_DATABASE = ["getDatabase", "updateDatabase", "updateDatabaseQuotas", "deleteDatabase"]
PLANS = {"free": FREE, "launch": LAUNCH}
ENGINES = ["postgres", "mysql"]

plans = st.sampled_from(sorted(PLANS))
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
quotas = st.fixed_dictionaries(
    {},
    optional={
        "storage_hard_limit_gb": st.none() | st.sampled_from([1, 2.5, 40]),
        "connection_hard_limit": st.none() | st.integers(1, 40),
        "warning_threshold_pct": st.none() | st.integers(1, 100),
    },
)


@dataclass
class Database:
    """What is known of a database."""

    uuid: str
    name: str
    plan: str
    engine: str
    overrides: dict[str, Any]
    # Fixed at creation (S2).
    db_name: str
    connection_string: str
    port: int
    deleted: bool = False

    @property
    def user(self) -> str:
        return str(urlsplit(self.connection_string).username)

    @property
    def quotas(self) -> dict[str, Any]:
        set_ones = {name: value for name, value in self.overrides.items() if value is not None}
        return {**PLANS[self.plan], **set_ones}


def is_open(database: Database) -> bool:
    """Whether its connection string lets one in."""
    try:
        if database.engine == "mysql":
            mysql.connect({"connection_string": database.connection_string}).close()
        else:
            psycopg.connect(database.connection_string).close()
    except (psycopg.OperationalError, pymysql.err.OperationalError):
        return False
    return True


def users(plane: ControlPlane, model: list[Database]) -> set[tuple[str, str]]:
    """(engine, name) of those that the servers know."""
    ports = {database.engine: database.port for database in model}
    found = set()
    with server_admin.connect(plane) as conn:
        found |= {("postgres", row[0]) for row in conn.execute("SELECT rolname FROM pg_roles")}
    if "mysql" in ports:
        with server_admin.connect_mysql(plane, ports["mysql"]) as server:
            found |= {("mysql", row[0]) for row in mysql.ask(server, "SELECT User FROM mysql.global_priv")}
    return found


@dataclass
class Call:
    """A call that was answered under a key. day: when."""

    operation: Operation
    key: str
    target: str | None
    body: dict[str, Any] | None
    status: int
    day: int
    answer: dict[str, Any] = field(default_factory=dict)

    def repeat(self, client: httpx.Client, **changes: Any) -> httpx.Response:
        sent = {"headers": {"Idempotency-Key": self.key}}
        body = changes.get("json", self.body)
        query = {"params": {"wait": "true"}} if self.operation.method == "POST" else {}
        return self.operation.call(client, self.target, **sent, **query, **({"json": body} if body is not None else {}))


@dataclass
class World:
    """What all examples share. interruptions: those still to come, because each takes seconds."""

    plane: ControlPlane
    client: httpx.Client
    stranger: httpx.Client
    day: int = 0
    interruptions: dict[str, int] = field(default_factory=lambda: {"restart": 1, "kill": 3})

    def interrupt(self, how: str) -> None:
        self.interruptions[how] -= 1
        if how == "kill":
            self.plane.kill()
        self.plane.restart()


class Databases(RuleBasedStateMachine):
    """The world is set by the test."""

    world: World

    databases = Bundle("databases")
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.model: list[Database] = []
        self.last: Call | None = None

    @property
    def client(self) -> httpx.Client:
        return self.world.client

    @property
    def living(self) -> list[Database]:
        return [database for database in self.model if not database.deleted]

    def send(self, name: str, target: str | None, body: dict[str, Any] | None) -> tuple[Call, httpx.Response]:
        call = Call(BY_NAME[name], str(uuid.uuid4()), target, body, 0, self.world.day)
        reply = call.repeat(self.client)
        self.note(call, reply)
        return call, reply

    def note(self, call: Call, reply: httpx.Response) -> None:
        call.status, call.day = reply.status_code, self.world.day
        call.answer = {key: value for key, value in reply.json().items() if key != "request_id"}
        assert "idempotency_replay" not in call.answer
        if call.target is not None:
            self.last = call

    @precondition(lambda self: len(self.living) < 4)
    @rule(target=databases, name=names, plan=plans, engine=st.sampled_from(ENGINES), given=quotas)
    def create(self, name: str, plan: str, engine: str, given: dict[str, Any]) -> Database:
        _, reply = self.send("createDatabase", None, {"name": name, "plan": plan, "db_type": engine, **given})
        assert reply.status_code == 201, reply.text
        return self.keep(reply.json()["data"], plan, engine, given)

    def keep(self, data: dict[str, Any], plan: str, engine: str, given: dict[str, Any]) -> Database:
        facts = (data[name] for name in ("db_name", "connection_string", "port"))
        made = Database(data["uuid"], data["name"], plan, engine, dict(given), *facts)
        assert is_open(made)
        assert made.uuid not in {database.uuid for database in self.model}
        self.model.append(made)
        self.check(data, made)
        return made

    @rule(target=calls, database=databases, name=names)
    def rename(self, database: Database, name: str) -> Call:
        call, reply = self.send("updateDatabase", database.uuid, {"name": name})
        self.changed(database, call, reply)
        return call

    @rule(target=calls, database=databases, given=quotas)
    def set_quotas(self, database: Database, given: dict[str, Any]) -> Call:
        call, reply = self.send("updateDatabaseQuotas", database.uuid, given)
        self.changed(database, call, reply)
        return call

    def changed(self, database: Database, call: Call, reply: httpx.Response) -> None:
        assert reply.status_code == 200, reply.text
        body = dict(call.body or {})
        if call.operation.name == "updateDatabase":
            database.name = body["name"]
        else:
            database.overrides.update(body)
        self.check(reply.json()["data"], database)

    @rule(target=calls, database=consumes(databases))
    def delete(self, database: Database) -> Call:
        call, reply = self.send("deleteDatabase", database.uuid, None)
        assert reply.status_code == 200, reply.text
        assert reply.json()["data"]["uuid"] == database.uuid
        assert reply.json()["data"]["deleted"] is True
        database.deleted = True
        assert not is_open(database)
        return call

    @precondition(lambda self: len(self.living) < len(self.model))
    @rule(data=st.data(), name=st.sampled_from(ON_A_DATABASE))
    def touch_the_dead(self, data: st.DataObject, name: str) -> None:
        dead = data.draw(st.sampled_from([database.uuid for database in self.model if database.deleted]))
        error_of(BY_NAME[name].call(self.client, dead), 404, "not_found")

    @rule(call=calls)
    def repeat(self, call: Call) -> None:
        self.again(call)

    def again(self, call: Call) -> None:
        """An old answer comes back as it was, whatever happened to the database since; a day later the call is new."""
        reply = call.repeat(self.client)
        if call.day < self.world.day:
            self.note(call, reply)
            (database,) = (each for each in self.model if each.uuid == call.target)
            if database.deleted:
                error_of(reply, 404, "not_found")
            else:
                self.changed(database, call, reply)
            return
        assert reply.status_code == call.status
        answer = reply.json()
        answer.pop("request_id")
        assert answer.pop("idempotency_replay") is True
        assert answer == call.answer

    @rule(call=calls, name=names)
    def reuse_the_key_for_another_payload(self, call: Call, name: str) -> None:
        if call.body is not None and call.day == self.world.day:
            reply = call.repeat(self.client, json={**call.body, "name": f"{name[:40]}-{uuid.uuid4().hex[:8]}"})
            error_of(reply, 409, "idempotency_key_conflict")

    @rule(database=databases, name=st.sampled_from(ON_A_DATABASE))
    def ask_as_another_user(self, database: Database, name: str) -> None:
        error_of(BY_NAME[name].call(self.world.stranger, database.uuid), 404, "not_found")
        assert self.world.stranger.get("/databases").json()["data"] == []

    @precondition(lambda self: self.living and len(self.living) < len(self.model))
    @rule()
    def let_a_day_pass(self) -> None:
        """Grace is over for what was deleted, and nothing of it is left on the servers."""
        self.world.plane.advance(86_401)
        self.world.day += 1
        dead = {(each.engine, each.user) for each in self.model if each.deleted}
        wait_until(lambda: not dead & users(self.world.plane, self.model), seconds=60)
        if self.last is not None:
            self.again(self.last)

    @precondition(lambda self: self.living and any(self.world.interruptions.values()))
    @rule(data=st.data())
    def interrupt(self, data: st.DataObject) -> None:
        left = [how for how, times in self.world.interruptions.items() if times]
        self.world.interrupt(data.draw(st.sampled_from(left)))
        wait_until(lambda: all(is_open(database) for database in self.living))

    @precondition(lambda self: len(self.living) < 4 and self.world.interruptions["kill"])
    @rule(target=databases, name=names, engine=st.sampled_from(ENGINES), seconds=st.sampled_from([0, 0.01, 0.03, 0.1]))
    def kill_while_it_creates(self, name: str, engine: str, seconds: float) -> Database:
        """Asked again under the same key, it is one database, whether the first call was carried out or not."""
        call = Call(BY_NAME["createDatabase"], str(uuid.uuid4()), None, {"name": name, "db_type": engine}, 0, 0)

        def first() -> None:
            with contextlib.suppress(httpx.HTTPError):  # cut off, which is the point
                call.repeat(self.client)

        asking = threading.Thread(target=first)
        asking.start()
        threading.Event().wait(seconds)
        self.world.interrupt("kill")
        asking.join()
        reply = call.repeat(self.client)
        assert reply.status_code in (201, 202), reply.text
        return self.keep(wait_active(self.client, reply.json()["data"]["uuid"]), "free", engine, {})

    @rule(limit=st.integers(1, 5))
    def list_in_pages(self, limit: int) -> None:
        listed = list_all(self.client, "/databases", limit)
        assert [item["uuid"] for item in listed] == [database.uuid for database in reversed(self.living)]
        for item, database in zip(listed, reversed(self.living), strict=True):
            self.check(item, database)
            assert "db_password" not in item

    @invariant()
    def every_database_is_as_the_model_says(self) -> None:
        for database in self.living[-2:]:
            reply = self.client.get(f"/databases/{database.uuid}")
            assert reply.status_code == 200, reply.text
            data = reply.json()["data"]
            self.check(data, database)
            assert data["connection_string"] == database.connection_string

    def check(self, shown: dict[str, Any], database: Database) -> None:
        told = {name: shown[name] for name in ("uuid", "name", "plan", "db_type", "quotas", "db_name", "status")}
        assert told == {
            "uuid": database.uuid,
            "name": database.name,
            "plan": database.plan,
            "db_type": database.engine,
            "quotas": database.quotas,
            "db_name": database.db_name,
            "status": "active",
        }

    def teardown(self) -> None:
        for database in self.living:
            assert BY_NAME["deleteDatabase"].call(self.client, database.uuid).status_code == 200


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """Of its own: the machine lists everything there is. Kept over restarts, but in memory where that can be had."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        Path(name).chmod(0o755)  # the servers run in another account
        with ControlPlane("--data-dir", f"{name}/data", "--rate-limit", "0", "--pool-size", "4") as plane:
            yield plane


def test_any_sequence_of_calls_keeps_to_the_model(plane: ControlPlane) -> None:
    with plane.client() as client, plane.client(OTHER_KEY) as stranger:
        world = World(plane, client, stranger)
        run_state_machine_as_test(
            type("Databases", (Databases,), {"world": world}),
            settings=settings(
                max_examples=18,
                stateful_step_count=20,
                deadline=None,
                derandomize=True,
                database=None,
                # Shrinking would take minutes; twenty steps can be read.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert client.get("/databases").json()["data"] == []
        assert not any(world.interruptions.values()), "fewer than it was meant to bear"
        assert world.day
