"""Any sequence of calls on databases, against a model in plain Python.

The model knows what api-facts promises: what a rename and a quota patch change (null clears, omitted keeps: op 7, S12),
that deletion is final (S4, S5), that lists are newest first (Pagination), and that a key replays or conflicts.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

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

from support import mysql
from support.control_plane import ControlPlane
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
    deleted: bool = False

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


@dataclass
class Call:
    """A call that was answered under a key."""

    operation: Operation
    key: str
    target: str | None
    body: dict[str, Any] | None
    status: int
    answer: dict[str, Any] = field(default_factory=dict)

    def repeat(self, client: httpx.Client, **changes: Any) -> httpx.Response:
        sent = {"headers": {"Idempotency-Key": self.key}}
        body = changes.get("json", self.body)
        query = {"params": {"wait": "true"}} if self.operation.method == "POST" else {}
        return self.operation.call(client, self.target, **sent, **query, **({"json": body} if body is not None else {}))


class Databases(RuleBasedStateMachine):
    """The client is set by the test."""

    client: httpx.Client

    databases = Bundle("databases")
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.model: list[Database] = []

    @property
    def living(self) -> list[Database]:
        return [database for database in self.model if not database.deleted]

    def send(self, name: str, target: str | None, body: dict[str, Any] | None) -> tuple[Call, httpx.Response]:
        call = Call(BY_NAME[name], str(uuid.uuid4()), target, body, 0)
        reply = call.repeat(self.client)
        call.status = reply.status_code
        call.answer = {key: value for key, value in reply.json().items() if key != "request_id"}
        assert "idempotency_replay" not in call.answer
        return call, reply

    @precondition(lambda self: len(self.living) < 4)
    @rule(target=databases, name=names, plan=plans, engine=st.sampled_from(ENGINES), given=quotas)
    def create(self, name: str, plan: str, engine: str, given: dict[str, Any]) -> Database:
        _, reply = self.send("createDatabase", None, {"name": name, "plan": plan, "db_type": engine, **given})
        assert reply.status_code == 201, reply.text
        data = reply.json()["data"]
        made = Database(data["uuid"], name, plan, engine, dict(given), data["db_name"], data["connection_string"])
        assert is_open(made)
        assert made.uuid not in {database.uuid for database in self.model}
        self.model.append(made)
        self.check(data, made)
        return made

    @rule(target=calls, database=databases, name=names)
    def rename(self, database: Database, name: str) -> Call:
        call, reply = self.send("updateDatabase", database.uuid, {"name": name})
        assert reply.status_code == 200, reply.text
        database.name = name
        self.check(reply.json()["data"], database)
        return call

    @rule(target=calls, database=databases, given=quotas)
    def set_quotas(self, database: Database, given: dict[str, Any]) -> Call:
        call, reply = self.send("updateDatabaseQuotas", database.uuid, given)
        assert reply.status_code == 200, reply.text
        database.overrides.update(given)
        self.check(reply.json()["data"], database)
        return call

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
        """An old answer comes back as it was, whatever happened to the database since."""
        reply = call.repeat(self.client)
        assert reply.status_code == call.status
        answer = reply.json()
        answer.pop("request_id")
        assert answer.pop("idempotency_replay") is True
        assert answer == call.answer

    @rule(call=calls, name=names)
    def reuse_the_key_for_another_payload(self, call: Call, name: str) -> None:
        if call.body is not None:
            reply = call.repeat(self.client, json={**call.body, "name": f"{name[:40]}-{uuid.uuid4().hex[:8]}"})
            error_of(reply, 409, "idempotency_key_conflict")

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
def plane() -> Any:
    """Of its own: the machine lists everything there is."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "4") as plane:
        yield plane


def test_any_sequence_of_calls_keeps_to_the_model(plane: ControlPlane) -> None:
    with plane.client() as client:
        run_state_machine_as_test(
            type("Databases", (Databases,), {"client": client}),
            settings=settings(
                max_examples=15,
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
