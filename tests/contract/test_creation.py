"""Creating exactly once, at a real control plane: two runs are two ledgers, and a killed one is a state without it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from polykomos.client import ApiError, Client, ForbiddenError, IdempotencyConflictError, RequestOptions
from polykomos.resources import create_once as creation
from polykomos.resources.blueprint.create import create_request as blueprint
from polykomos.resources.blueprint.resource import Blueprint
from polykomos.resources.blueprint.schema import BlueprintArgs
from polykomos.resources.blueprint_application.create import create_request as application
from polykomos.resources.blueprint_application.resource import BlueprintApplication
from polykomos.resources.blueprint_application.schema import BlueprintApplicationArgs
from polykomos.resources.create_once import create_once
from polykomos.resources.create_request import CreateRequest, CreateResult
from polykomos.resources.database.create import create_request as database
from polykomos.resources.webhook_endpoint.create import create_request as webhook_endpoint
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.idempotency import IdempotencyKeys, OwnershipRegistry, ResourceRefs
from support.calls import counted
from support.control_plane import SLOW_SECONDS, ControlPlane
from support.naming import unique

KIND = "thing"


@dataclass
class Run:
    """One run of an engine. held: the ids in its state; None = it cannot be asked."""

    api: Client
    held: tuple[str, ...] | None = ()
    warned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = OwnershipRegistry(self._objects)

    def _objects(self) -> ResourceRefs | None:
        return None if self.held is None else frozenset((KIND, id_) for id_ in self.held)

    def context(self, seed: str, seconds: float = 240, others: tuple[str, ...] = ()) -> Context[Client]:
        deadline = time.monotonic() + seconds
        return Context(
            api=self.api.with_options(RequestOptions(deadline)),
            deadline=deadline,
            warn=self.warned.append,
            idempotency_keys=IdempotencyKeys(KIND, seed, self.ledger, other_seeds=others),
        )

    def create(self, kind: Callable[[Client], CreateRequest[Any]], seed: str, *others: str) -> CreateResult[Any]:
        ctx = self.context(seed, others=others)
        return create_once(kind(ctx.api), ctx)

    def database(self, seed: str, **body: Any) -> CreateResult[Any]:
        return self.create(lambda api: database({"name": seed, **body}, api, patient=True), seed)


@pytest.fixture
def client(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Client(base_url=control_plane.base_url, api_key=control_plane.api_key) as client:
        yield client


@pytest.fixture
def admin(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with control_plane.admin() as admin:
        yield admin
        admin.delete("/faults").raise_for_status()


@pytest.fixture
def run(client: Client) -> Callable[..., Run]:
    return lambda *held: Run(client, held)


def fault(admin: httpx.Client, operation: str, effect: str, **rule: Any) -> None:
    admin.post("/faults", json={"operation": operation, "effect": effect, **rule}).raise_for_status()


def applied(admin: httpx.Client) -> list[int]:
    """How many calls each fault met."""
    return [rule["applied"] for rule in admin.get("/faults").json()]


def names(client: Client) -> list[str]:
    return [each.name for each in client.iter_databases()]


KINDS: dict[str, tuple[Callable[[str, Client], CreateRequest[Any]], str, str]] = {
    "database": (lambda name, api: database({"name": name}, api), "createDatabase", "getDatabase"),
    "blueprint": (
        lambda name, api: blueprint({"name": name, "sql_content": "SELECT 1"}, api), "createBlueprint", "getBlueprint",
    ),
    "webhook endpoint": (
        lambda name, api: webhook_endpoint(f"https://example.com/{name}", [], api),
        "createWebhookEndpoint", "listWebhookEndpoints",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("held", [(), None])
def test_a_lost_answer_and_a_read_that_does_not_see_the_object_yet(
    client: Client, control_plane: ControlPlane, admin: httpx.Client, what: str, held: tuple[str, ...] | None
) -> None:
    kind, create, read = KINDS[what]
    name, one = unique("stale"), Run(client, held)
    fault(admin, create, "lost_response")
    fault(admin, read, "status", status=404, count=2)
    with counted(control_plane) as calls:
        made = one.create(lambda api: kind(name, api), name)
    assert not made.adopted, "it is this run's own"
    assert one.warned == []
    assert calls[create] == 2
    assert applied(admin) == [1, 2]
    if what == "webhook endpoint":
        assert made.object.secret.reveal().startswith("whsec_")


@pytest.mark.parametrize("what", KINDS)
def test_an_earlier_runs_object_that_a_read_does_not_see_yet(
    run: Callable[..., Run], admin: httpx.Client, what: str
) -> None:
    kind, _, read = KINDS[what]
    name, later = unique("lost"), run()
    lost = run().create(lambda api: kind(name, api), name)
    fault(admin, read, "status", status=404)
    found = later.create(lambda api: kind(name, api), name)
    id_of = kind(name, later.api).id_of
    assert (id_of(found.object), found.adopted) == (id_of(lost.object), True)
    assert id_of(lost.object) in later.warned[0]


def test_what_is_gone_or_in_the_state_is_never_taken_over(client: Client, run: Callable[..., Run]) -> None:
    name = unique("once")
    first = run().database(name).object
    second = run(first.uuid).database(name)
    assert second.object.uuid != first.uuid
    assert not second.adopted
    client.delete_database(first.uuid)
    third = run(second.object.uuid).database(name)
    assert not third.adopted
    assert sorted([second.object.uuid, third.object.uuid]) == sorted(
        each.uuid for each in client.iter_databases() if each.name == name
    )


def test_a_lost_answer_whose_replay_is_of_what_the_state_holds(run: Callable[..., Run], admin: httpx.Client) -> None:
    """A forced replacement: taken for this run's own, the old one would be deleted as the new one."""
    name = unique("old")
    old = run().database(name).object
    fault(admin, "createDatabase", "lost_response")
    new = run(old.uuid).database(name)
    assert new.object.uuid != old.uuid


def test_a_state_that_cannot_be_read(client: Client, run: Callable[..., Run]) -> None:
    name = unique("mute")
    lost = run().database(name).object
    with pytest.raises(ResourceError, match=lost.uuid):
        Run(client, None).database(name)
    assert names(client).count(name) == 1


def test_a_cancel_ends_the_looking(run: Callable[..., Run], admin: httpx.Client) -> None:
    name, one = unique("cancel"), run()
    run().database(name)
    fault(admin, "getDatabase", "status", status=404, count=None)
    ctx = one.context(name, seconds=300)
    threading.Timer(0.5, ctx.cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Exception, match="cancelled"):
        create_once(database({"name": name}, ctx.api, patient=True), ctx)
    assert time.monotonic() - began < 60


# Identical instances (Terraform)


def test_many_that_are_alike_cost_one_call_each(run: Callable[..., Run], control_plane: ControlPlane) -> None:
    seed, one = unique("alike"), run()

    def alike(api: Client) -> CreateRequest[Any]:
        return blueprint({"name": seed, "sql_content": "SELECT 1"}, api)

    with counted(control_plane) as calls:
        ids = [one.create(alike, seed).object.uuid for _ in range(40)]
    assert len(set(ids)) == 40
    assert dict(calls) == {"createBlueprint": 40}
    # The last one is lost: beyond any small number of generations it is found again, at the price of one read.
    later = run(*ids[:-1])
    with counted(control_plane) as calls:
        found, new = [later.create(alike, seed) for _ in range(2)]
    assert (found.object.uuid, found.adopted) == (ids[-1], True)
    assert new.object.uuid not in ids
    assert calls["createBlueprint"] == 41
    assert calls["getBlueprint"] <= 2


def test_more_generations_than_are_searched_cause_a_warning(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creation, "_MOST_GENERATIONS", 2)
    seed, one = unique("many"), run()
    for warnings in (0, 0, 1):
        one.create(lambda api: blueprint({"name": seed, "sql_content": "SELECT 1"}, api), seed)
        assert len(one.warned) == warnings
    assert "will not be found again" in one.warned[0]


# Arguments edited meanwhile (Pulumi)


@pytest.mark.parametrize("count", [3, 8])
def test_many_whose_arguments_were_edited(
    run: Callable[..., Run], client: Client, control_plane: ControlPlane, count: int
) -> None:
    seeds, before, later = [unique(f"m{n}") for n in range(count)], run(), run()
    lost = [before.database(seed, connection_hard_limit=10 + n).object.uuid for n, seed in enumerate(seeds)]
    with counted(control_plane) as calls:
        found = [later.database(seed, connection_hard_limit=30 + n) for n, seed in enumerate(seeds)]
    assert [each.object.uuid for each in found] == lost
    assert all(each.adopted for each in found)
    assert calls["createDatabase"] <= 3 * count, "the right ones are tried first"


@pytest.mark.parametrize(
    ("made", "edited"),
    [
        (
            {"connection_hard_limit": 10, "warning_threshold_pct": 50, "storage_hard_limit_gb": 1.0},
            {"name": "new", "connection_hard_limit": 11, "warning_threshold_pct": 51, "storage_hard_limit_gb": 2.0},
        ),
        ({"connection_hard_limit": 10, "warning_threshold_pct": 50}, {}),
        ({"plan": "launch"}, {"name": "new", "plan": "free"}),
    ],
)
def test_arguments_edited_in_any_number(run: Callable[..., Run], made: dict[str, Any], edited: dict[str, Any]) -> None:
    seed, later = unique("edit"), run()
    lost = run().database(seed, **made).object
    body = {**edited, **({"name": unique("new")} if "name" in edited else {})}
    assert later.database(seed, **body).object.uuid == lost.uuid


def test_what_cannot_be_identified_is_named(run: Callable[..., Run], client: Client) -> None:
    seed, later = unique("unknown"), run()
    sql = client.create_blueprint(name=seed, sql_content="SELECT 1").object
    lost = run().database(seed).object
    edited = later.database(seed, blueprint_uuid=sql.uuid)  # which nothing shows that is there
    assert edited.object.uuid != lost.uuid
    (warned,) = later.warned
    assert f"{lost.uuid} ({seed})" in warned
    assert "delete it at the service" in warned


def test_a_probe_that_made_an_object_reports_it(run: Callable[..., Run], client: Client, admin: httpx.Client) -> None:
    """The service forgets the earlier run's key while that run's object is looked for: a guess makes an object."""
    seed, later = unique("edge"), run()
    run().database(seed, connection_hard_limit=7)
    ctx = later.context(seed)
    kind = database({"name": seed, "connection_hard_limit": 8}, ctx.api, patient=True)
    send = kind.send

    def forgetful(body: Any, key: str) -> Any:
        try:
            return send(body, key)
        except IdempotencyConflictError:
            admin.post("/clock/advance", json={"seconds": 25 * 3600}).raise_for_status()
            raise

    try:
        made = create_once(replace(kind, send=forgetful), ctx)
    finally:
        admin.post("/clock/reset").raise_for_status()
    warned = next(each for each in later.warned if "was created just now" in each)
    assert made.object.uuid in warned
    assert "delete it there" in warned
    there = [each.uuid for each in client.iter_databases() if each.name == seed]
    assert len(there) == 2, "the earlier run's, and the one that the probe made and that is used"
    assert made.object.uuid in there


def test_what_the_service_may_forget_any_moment_is_not_probed() -> None:
    now = datetime.now(UTC)
    assert creation.is_safe_to_probe(None, now)
    assert creation.is_safe_to_probe(now, now)
    assert creation.is_safe_to_probe(now - timedelta(hours=22, minutes=59), now)
    assert not creation.is_safe_to_probe(now - timedelta(hours=23), now)
    assert not creation.is_safe_to_probe(now - timedelta(hours=24, seconds=1), now)
    assert creation.is_safe_to_probe(now + timedelta(hours=1), now), "a service whose clock is ahead"


def test_an_object_near_the_edge_is_named_and_not_probed(
    run: Callable[..., Run], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, later = unique("old"), run()
    lost = run().database(seed, connection_hard_limit=7).object
    monkeypatch.setattr(creation, "_PROBED", timedelta(0))
    made = later.database(seed, connection_hard_limit=8)
    assert not made.adopted
    assert f"{lost.uuid} ({seed})" in later.warned[0]
    assert [each.uuid for each in client.iter_databases() if each.name == seed] == [made.object.uuid, lost.uuid]


def test_one_that_is_gone_is_no_reason_for_a_warning(
    run: Callable[..., Run], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creation, "_MOST_PROBES", 2000)  # the databases of other tests are candidates too
    seed, later = unique("gone"), run()
    client.delete_database(run().database(seed).object.uuid)
    assert not later.database(seed, connection_hard_limit=8).adopted
    assert later.warned == []


def test_one_that_is_being_replaced_is_no_reason_either(run: Callable[..., Run]) -> None:
    seed = unique("replaced")
    old = run().database(seed).object
    later = run(old.uuid)
    assert later.database(seed, plan="launch").object.uuid != old.uuid
    assert later.warned == []


def test_one_that_was_deleted_first_is_not_looked_for_among_other_resources_objects(
    run: Callable[..., Run], client: Client, control_plane: ControlPlane, admin: httpx.Client
) -> None:
    admin.post("/reset").raise_for_status()
    replaced = unique("replaced")
    client.delete_database(run().database(replaced).object.uuid)
    later = run()
    for number in range(3):
        later.ledger.record_seen(KIND, run().database(unique(f"other{number}")).object.uuid)
    with counted(control_plane) as calls:
        assert not later.database(replaced, plan="launch").adopted
    assert calls["createDatabase"] == 2


def test_a_refusal_while_looking_is_not_swallowed(run: Callable[..., Run], client: Client, admin: httpx.Client) -> None:
    seed = unique("refused")
    run().database(seed)
    fault(admin, "createDatabase", "status", status=403, skip=1)
    with pytest.raises(ForbiddenError):
        run().database(seed, connection_hard_limit=8)
    assert names(client).count(seed) == 1


# Applications


@pytest.fixture
def target(client: Client) -> dict[str, Any]:
    """Arguments for an application to a database that is active."""
    name = unique("target")
    made = client.create_database(name=name).object
    client.wait_for_database(made.uuid, timeout=240)
    sql = client.create_blueprint(name=name, sql_content=f"CREATE TABLE {name.replace('-', '_')} (n int)").object
    return {"database_uuid": made.uuid, "blueprint_uuid": sql.uuid}


def applying(target: dict[str, Any], **more: Any) -> Callable[[Client], CreateRequest[Any]]:
    args = BlueprintApplicationArgs.model_validate({**target, **more})
    return lambda api: application(args, 1, api)


def test_no_variables_and_empty_ones_are_one_application(run: Callable[..., Run], target: dict[str, Any]) -> None:
    lost = run().create(applying(target), "app")
    found = run().create(applying(target, variables={}), "app")
    assert (found.object.id, found.adopted) == (lost.object.id, True)


def test_an_application_from_before_the_one_being_replaced_is_not_adopted(
    run: Callable[..., Run], client: Client, target: dict[str, Any]
) -> None:
    seed, variables = unique("there-and-back"), {"who": {"default": "a"}}
    sql = client.create_blueprint(name=seed, sql_content="SELECT {{who}}", variables=variables).object
    target = {**target, "blueprint_uuid": sql.uuid}
    back = applying(target, variables={"who": "a"})
    first = run().create(back, seed).object
    second = run().create(applying(target, variables={"who": "b"}), seed).object
    id_ = f"{target['database_uuid']}/{target['blueprint_uuid']}/{second.id}"

    def replacing() -> CreateResult[Any]:
        ctx = run(id_).context(seed)
        keys = replace(ctx.idempotency_keys, replaced=id_)
        return create_once(back(ctx.api), replace(ctx, idempotency_keys=keys))

    third = replacing()
    assert (third.adopted, third.object.id > second.id > first.id) == (False, True)
    assert replacing().object.id == third.object.id, "a killed run created it"


def test_an_application_sent_with_another_body_is_not_run_again(
    run: Callable[..., Run], client: Client, control_plane: ControlPlane, target: dict[str, Any]
) -> None:
    """As another release of the provider would ask for it."""
    one = run()
    key = one.context("app").idempotency_keys.create_key(0, *applying(target)(client).key_parts)
    client.apply_blueprint(**target, server_wait=9, idempotency_key=key)
    with counted(control_plane) as calls, pytest.raises(ResourceError, match="to avoid running the SQL twice"):
        one.create(applying(target), "app")
    assert calls["createDatabaseBlueprintApplication"] == 1


def test_a_rejected_create_is_sent_again_with_a_new_key(
    run: Callable[..., Run], client: Client, admin: httpx.Client, target: dict[str, Any]
) -> None:
    nowhere = {**target, "blueprint_uuid": str(uuid.uuid4())}
    for _ in range(2):
        with pytest.raises(ApiError) as refused:
            run().create(applying(nowhere), "app")
        assert not refused.value.replayed, "an answer of yesterday"


@pytest.fixture
def slow(admin: httpx.Client) -> Iterator[None]:
    """Provisioning takes long, unless the clock is put forward."""
    admin.patch("/provisioning", json={"delay_seconds": SLOW_SECONDS, "pool_size": 0}).raise_for_status()
    yield
    admin.patch("/provisioning", json={"delay_seconds": 0, "pool_size": 2}).raise_for_status()


@pytest.mark.usefixtures("slow")
def test_an_application_waits_for_its_database(
    run: Callable[..., Run], client: Client, admin: httpx.Client, control_plane: ControlPlane
) -> None:
    made = client.create_database(name=unique("slow"), server_wait=0).object
    sql = client.create_blueprint(name=unique("slow"), sql_content="SELECT 1").object
    args = BlueprintApplicationArgs.model_validate({"database_uuid": made.uuid, "blueprint_uuid": sql.uuid})
    assert client.get_database(made.uuid).status == "provisioning"
    one, told = run(), list[str]()
    ctx = one.context("app")
    ctx.info = told.append
    assert BlueprintApplication().preview(args.model_dump(exclude_none=True), None, frozenset(), ctx) is None
    assert "dry run skipped" in told[0]
    with pytest.raises(Exception, match="still provisioning"):
        BlueprintApplication().create(args, run().context("app", seconds=1))
    # Refused with the same key before; and a read that does not see the blueprint yet.
    fault(admin, "getBlueprint", "status", status=404)
    waits: list[str] = []

    def advance_after_two(text: str) -> None:
        waits.append(text)
        if len(waits) == 2:
            control_plane.advance(SLOW_SECONDS)

    ctx.progress = advance_after_two
    _, state = BlueprintApplication().create(args, ctx)
    assert len(waits) >= 2
    assert state.status == "completed"


# A blueprint's change takes no key


def test_a_blueprint_update_is_retried_through_an_outage(
    run: Callable[..., Run], client: Client, admin: httpx.Client, control_plane: ControlPlane
) -> None:
    ctx = run().context("bp")
    args = BlueprintArgs.model_validate({"name": unique("bp"), "sql_content": "SELECT 1"})
    id_, prior = Blueprint().create(args, ctx)
    wanted = args.model_copy(update={"sql_content": "SELECT 2"})
    fault(admin, "updateBlueprint", "status", status=503, count=3)
    fault(admin, "updateBlueprint", "lost_response")
    with counted(control_plane) as calls:
        state = Blueprint().update(id_, wanted, prior, frozenset({"sql_content"}), ctx)
    assert (state.version, state.sql_content) == (2, "SELECT 2")
    assert applied(admin) == [3, 1]
    assert calls["updateBlueprint"] == 1, "carried out once"


@pytest.mark.parametrize("definition", [{}, {"required": False, "default": "x"}, {"type": "string", "required": True}])
def test_a_blueprints_changed_variables_are_recognised_in_another_form(
    run: Callable[..., Run], admin: httpx.Client, control_plane: ControlPlane, definition: dict[str, Any]
) -> None:
    """The state spells out what a definition leaves out."""
    ctx = run().context("bp")
    given = {"name": unique("bp"), "sql_content": "SELECT {{n}}", "variables": {"n": {"type": "number"}}}
    id_, prior = Blueprint().create(BlueprintArgs.model_validate(given), ctx)
    wanted = BlueprintArgs.model_validate({**given, "variables": {"n": definition}})
    fault(admin, "updateBlueprint", "lost_response")
    with counted(control_plane) as calls:
        state = Blueprint().update(id_, wanted, prior, frozenset({"variables"}), ctx)
    assert calls["updateBlueprint"] == 1, "carried out once"
    assert state.variables is not None
    assert state.variables["n"].type == "string"


def test_a_blueprints_change_ends_with_its_time(run: Callable[..., Run], admin: httpx.Client) -> None:
    ctx = run().context("bp")
    args = BlueprintArgs.model_validate({"name": unique("bp"), "sql_content": "SELECT 1"})
    id_, prior = Blueprint().create(args, ctx)
    fault(admin, "updateBlueprint", "status", status=503, count=None)
    short = run().context("bp", seconds=1)
    began = time.monotonic()
    with pytest.raises(ApiError):
        Blueprint().update(id_, args.model_copy(update={"name": "b"}), prior, frozenset({"name"}), short)
    assert time.monotonic() - began < 20


# Another provider instance than the run before (Pulumi)


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("generation", [0, 1])
def test_what_an_earlier_run_made_with_another_key_is_found(
    run: Callable[..., Run], client: Client, what: str, generation: int
) -> None:
    kind, _, _ = KINDS[what]
    name = unique("moved")
    id_of = kind(name, client).id_of
    before = [id_of(run().create(lambda api: kind(name, api), f"{name} old").object)] if generation else []
    lost = run(*before).create(lambda api: kind(name, api), f"{name} old").object
    later = run(*before)
    found = later.create(lambda api: kind(name, api), f"{name} new", f"{name} none", f"{name} old")
    assert (id_of(found.object), found.adopted) == (id_of(lost), True)
    assert id_of(lost) in later.warned[0]
    if what == "webhook endpoint":
        assert found.object.secret.reveal().startswith("whsec_")


@pytest.mark.parametrize("what", KINDS)
def test_to_look_under_other_keys_makes_nothing_and_costs_a_call_each(
    run: Callable[..., Run], control_plane: ControlPlane, what: str
) -> None:
    kind, create, _ = KINDS[what]
    name = unique("looked")
    with counted(control_plane) as calls:
        made = run().create(lambda api: kind(name, api), name, f"{name} 1", f"{name} 2")
    assert not made.adopted
    assert calls[create] == 3
    # The keys that were looked under are as good as new.
    again = run().create(lambda api: kind(name, api), f"{name} 1")
    assert not again.adopted


def test_another_key_with_edited_arguments(run: Callable[..., Run]) -> None:
    seed, later = unique("edited"), run()
    lost = run().database(seed, connection_hard_limit=5).object
    made = later.create(lambda api: database({"name": f"{seed}-b"}, api, patient=True), "new", seed)
    assert (made.object.uuid, made.adopted) == (lost.uuid, True)


def test_what_another_key_made_and_the_state_holds_is_not_taken_over(run: Callable[..., Run]) -> None:
    seed = unique("held")
    first = run().database(seed).object
    second = run(first.uuid).create(lambda api: database({"name": seed}, api, patient=True), f"{seed} new", seed)
    assert second.object.uuid != first.uuid
    assert not second.adopted


def test_an_application_with_another_key_is_not_run_again(
    run: Callable[..., Run], control_plane: ControlPlane, target: dict[str, Any]
) -> None:
    lost = run().create(applying(target), "old app")
    found = run().create(applying(target), "new app", "old app")
    assert (found.object.id, found.adopted) == (lost.object.id, True)
    # With other variables it is another one, and what was looked under is not in its way.
    with pytest.raises(ApiError) as refused:
        run().create(applying(target, variables={"none": 1}), "new app", "old app")
    assert not refused.value.replayed
