"""Every method of the client once, against a real control plane."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from polykomos.client import (
    Client,
    ForbiddenError,
    IdempotencyConflictError,
    InvalidRequestError,
    NotFoundError,
    PolykomosError,
    ServerError,
    UnauthorizedError,
)
from support.control_plane import NO_SCOPE_KEY, ControlPlane
from support.naming import unique
from support.receiver import Receiver

TABLE = "CREATE TABLE {{table}} (id integer PRIMARY KEY);"
DEFINITIONS = {"table": {"type": "identifier", "required": True}}


@pytest.fixture
def client(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Client(base_url=control_plane.base_url, api_key=control_plane.api_key) as client:
        yield client


@pytest.fixture
def database(client: Client) -> Iterator[str]:
    """The uuid of an active database."""
    made = client.create_database(name=unique("client")).object
    client.wait_for_database(made.uuid, timeout=240)
    yield made.uuid
    with contextlib.suppress(NotFoundError):
        client.delete_database(made.uuid)


def test_the_account(client: Client, control_plane: ControlPlane) -> None:
    account = client.get_account()
    assert account.user.name == "Dev Eloper"
    assert account.api_key.status == "active"
    assert account.api_key.preview is not None
    assert account.api_key.preview.endswith(control_plane.api_key[-4:])
    assert control_plane.api_key not in repr(account)


def test_what_is_on_offer(client: Client) -> None:
    (postgres,) = [kind for kind in client.list_database_types() if kind.value == "postgres"]
    assert postgres.is_available
    assert {"us-east-1", "eu-west-1"} <= {region.code for region in postgres.regions}


def test_a_databases_life(client: Client) -> None:
    name, key = unique("life"), str(uuid.uuid4())
    made = client.create_database(
        name=name, plan="free", region="eu-west-1", connection_hard_limit=7, server_wait=20, idempotency_key=key
    )
    number = made.object.uuid
    assert (made.replayed, made.object.name, made.object.status) == (False, name, "active")
    again = client.create_database(
        name=name, plan="free", region="eu-west-1", connection_hard_limit=7, server_wait=20, idempotency_key=key
    )
    assert (again.replayed, again.object.uuid) == (True, number)
    with pytest.raises(IdempotencyConflictError):
        client.create_database(name=unique("other"), idempotency_key=key)

    found = client.get_database(number)
    assert found.connection_string is not None
    assert found.db_password is not None
    assert found.db_password.reveal() not in repr(found)
    assert found.created_at is not None
    assert found.created_at.utcoffset() is not None
    assert found.quotas is not None
    assert found.quotas.connection_hard_limit == 7
    with psycopg.connect(found.connection_string.reveal()) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (found.db_name,)
    assert number in [listed.uuid for listed in client.iter_databases()]

    renamed = unique("renamed")
    assert client.rename_database(number, renamed).object.name == renamed
    quotas = client.update_quotas(number, {"connection_hard_limit": None, "warning_threshold_pct": 60}).object.quotas
    assert quotas is not None
    assert (quotas.connection_hard_limit, quotas.warning_threshold_pct) == (20, 60)

    deleted = client.delete_database(number).object
    assert deleted.uuid == number
    assert deleted.destroy_scheduled_at is not None
    assert deleted.destroy_scheduled_at.utcoffset() is not None
    with pytest.raises(NotFoundError) as raised:
        client.get_database(number)
    assert (raised.value.status, raised.value.code) == (404, "not_found")
    assert raised.value.request_id.startswith("req_")


def test_a_database_that_is_waited_for(client: Client) -> None:
    ticks: list[float] = []
    made = client.create_database(name=unique("waits"), server_wait=0).object
    found = client.wait_for_database(made.uuid, timeout=240, cancel=threading.Event(), progress=ticks.append)
    assert found.status == "active"
    assert ticks
    client.delete_database(made.uuid)


def test_a_blueprints_life(client: Client, database: str) -> None:
    assert client.validate_blueprint("SELECT 1; SELECT 2").statement_count == 2
    assert client.validate_blueprint(TABLE, DEFINITIONS).valid
    refused = client.validate_blueprint("SELEC 1")
    assert not refused.valid
    assert refused.errors

    made = client.create_blueprint(name=unique("plan"), sql_content=TABLE, description="d", variables=DEFINITIONS)
    number = made.object.uuid
    assert (made.replayed, made.object.version, made.object.is_system_blueprint) == (False, 1, False)
    found = client.get_blueprint(number)
    assert (found.sql_content, found.description, found.variables) == (TABLE, "d", DEFINITIONS)
    listed = {blueprint.uuid: blueprint for blueprint in client.iter_blueprints()}
    assert listed[number].sql_content is None
    assert any(blueprint.is_system_blueprint for blueprint in listed.values())

    dry_run = client.apply_blueprint(
        database, blueprint_uuid=number, variables={"table": "one"}, dry_run=True, server_wait=20
    ).object
    assert (dry_run.status, dry_run.is_dry_run) == ("completed", True)
    applied = client.apply_blueprint(database, blueprint_uuid=number, variables={"table": "one"}, server_wait=0).object
    ended = client.wait_for_application(applied.id, timeout=240)
    assert (ended.status, ended.statements_succeeded, ended.blueprint_version) == ("completed", 1, 1)
    failed = client.apply_blueprint(database, blueprint_uuid=number, variables={"table": "one"}, server_wait=20).object
    assert failed.status == "rolled_back", "an answer, not an error"
    assert client.get_blueprint_application(failed.id).error_message

    assert client.update_blueprint(number, {"sql_content": TABLE + " SELECT 1;"}).version == 2
    client.delete_blueprint(number)
    with pytest.raises(NotFoundError):
        client.get_blueprint(number)


def test_a_webhook_endpoints_life(client: Client) -> None:
    with Receiver() as receiver:
        made = client.create_webhook_endpoint(url=receiver.url, events=["database.deleted"])
        number = made.endpoint.id
        assert made.secret is not None
        assert made.secret.reveal().startswith("whsec_")
        assert made.secret.reveal() not in repr(made)

        delivery = client.test_webhook_endpoint(number)
        assert (delivery.event_type, delivery.status, delivery.response_code) == ("ping", "delivered", 204)
        assert receiver.wait_for(1)[0].is_signed_with(made.secret.reveal())
        assert [one.id for one in client.iter_webhook_deliveries(number)] == [delivery.id]

        client.revoke_webhook_endpoint(number)
        (listed,) = [endpoint for endpoint in client.iter_webhook_endpoints() if endpoint.id == number]
        assert (listed.status, listed.events) == ("revoked", ["database.deleted"])
        assert listed.last_success_at is not None
        assert listed.last_success_at.utcoffset() is not None


def test_lists_longer_than_a_page_are_read_to_their_end(client: Client) -> None:
    made = [client.create_webhook_endpoint(url="http://127.0.0.1:1/hooks").endpoint.id for _ in range(101)]
    listed = [endpoint.id for endpoint in client.iter_webhook_endpoints()]
    for number in made:
        client.revoke_webhook_endpoint(number)
    assert set(made) <= set(listed)
    assert len(set(listed)) == len(listed)


def test_a_query_in_plain_language_is_answered_or_refused_as_the_api_does(client: Client) -> None:
    with pytest.raises(PolykomosError) as raised:
        client.run_query(str(uuid.uuid4()), "how many tables are there")
    assert isinstance(raised.value, NotFoundError), "no such database"
    made = client.create_database(name=unique("asked")).object
    answer = client.run_query(made.uuid, "how many tables are there")
    assert answer.result["rows"] == [{"count": 0}]
    assert answer.query_id
    with pytest.raises(ServerError, match='relation "nowhere" does not exist') as failed:
        client.run_query(made.uuid, "SELECT * FROM nowhere")
    assert (failed.value.code, failed.value.details["sql"]) == ("query_execution_failed", "SELECT * FROM nowhere")


def test_refusals_name_the_field_and_the_scope(client: Client, control_plane: ControlPlane) -> None:
    with pytest.raises(InvalidRequestError, match="field name") as invalid:
        client.create_database(name="Not A Name")
    assert (invalid.value.status, invalid.value.field) == (422, "name")
    with Client(base_url=control_plane.base_url, api_key=NO_SCOPE_KEY) as powerless:
        assert powerless.get_account().api_key.permissions == []
        with pytest.raises(ForbiddenError) as forbidden:
            powerless.list_database_types()
    assert forbidden.value.details["required_scopes"] == ["databases:read"]
    with Client(base_url=control_plane.base_url, api_key="pk_live_nobody") as nobody, pytest.raises(ForbiddenError):
        nobody.get_account()
    assert not issubclass(ForbiddenError, UnauthorizedError)
