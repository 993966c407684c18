"""A key's controls (api-facts "Key controls", S35-S38), over the clock of the admin API."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import ControlPlane, create_database, new_key, wait_until
from support.operations import error_of

DAY = 86400
KEYS: dict[str, dict[str, Any]] = {
    "quota": {"monthly_quota": 3, "requests_per_minute": 0},
    "slow": {"requests_per_minute": 2},
    "elsewhere": {"allowed_ip_list": ["192.0.2.7", "2001:db8::/32"]},
    "here": {"allowed_ip_list": ["10.0.0.0/8", "127.0.0.0/8"]},
    "forgotten": {"inactive_ttl_days": 30},
    "revoked": {"status": "revoked"},
    "bounded": {"monthly_quota": 4, "scopes": ["databases:*", "blueprints:write"]},
    "narrow": {"monthly_quota": 3, "scopes": ["databases:read"]},
}
BLUEPRINT = "5b1f7a52-0c3e-4d0a-9a44-2f6c1d7e0a01"  # the system's
# What only the handler finds out.
REFUSED_LATE: list[dict[str, Any]] = [
    {"method": "POST", "url": "/databases", "json": {"name": "x", "team_id": 1}},
    {"method": "DELETE", "url": f"/blueprints/{BLUEPRINT}"},
    {"method": "POST", "url": "/databases", "json": {"name": "x", "blueprint_uuid": BLUEPRINT}},
]
PLANS = {
    "launch": {"connection_hard_limit": 2, "daily_queries": 1},
    "enterprise": {"storage_hard_limit_gb": 0.5, "daily_queries": None},
}


def key_of(name: str) -> str:
    return f"pk_live_controls_{name}"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("controls")
    seed = directory / "users.json"
    keys = [{"key": key_of(name), "name": name, **controls} for name, controls in KEYS.items()]
    users = [
        {"name": "A", "email": "a@x.test", "teams": ["T"], "keys": keys},
        {"name": "Loner", "email": "b@x.test", "keys": [{"key": key_of("loner"), "name": "k"}]},
    ]
    seed.write_text(json.dumps({"users": users, "plans": PLANS}))
    with ControlPlane("--data-dir", str(directory / "data"), "--pool-size", "0", seed=seed) as running:
        yield running


@pytest.fixture(autouse=True)
def machine_time(plane: ControlPlane) -> Iterator[None]:
    with plane.admin() as admin:
        admin.post("/clock/freeze", json={"at": "2026-01-30T23:00:00Z"}).raise_for_status()
        yield
        admin.post("/clock/reset").raise_for_status()


def me(plane: ControlPlane, name: str) -> httpx.Response:
    with plane.client(key_of(name)) as client:
        return client.get("/me")


@pytest.mark.facts("keys:controls", "C8")
def test_me_tells_the_controls(plane: ControlPlane) -> None:
    shown = me(plane, "here").json()["data"]["api_key"]
    assert shown["controls"] == {
        "requests_per_minute": 120,
        "monthly_quota": None,
        "allowed_ip_list": ["10.0.0.0/8", "127.0.0.0/8"],
        "inactive_ttl_days": None,
    }
    assert shown["preview"] == "pk_live_••••••••here"
    assert shown["last_used_at"] == "2026-01-30 23:00:00"
    plane.advance(90)
    assert me(plane, "here").json()["data"]["api_key"]["last_used_at"] == "2026-01-30 23:01:30"


def test_a_user_without_a_team_gets_one(plane: ControlPlane) -> None:
    with plane.client(key_of("loner")) as client:
        assert client.get("/me").json()["data"]["user"]["name"] == "Loner"
        assert create_database(client, "own")["team_name"] == "Loner"
    plane.restart()
    with plane.client(key_of("loner")) as client:
        assert {each["team_name"] for each in client.get("/databases").json()["data"]} == {"Loner"}
        assert create_database(client, "own")["team_name"] == "Loner"


@pytest.mark.facts("keys:monthly-quota")
def test_a_monthly_quota_is_a_hard_cap_until_the_month_is_over(plane: ControlPlane) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: me(plane, "quota"), range(12)))
    refused = [reply for reply in replies if reply.status_code != 200]
    assert len(refused) == 9
    for reply in refused:
        error_of(reply, 429, "monthly_quota_exceeded")
        assert reply.headers["Retry-After"] == str(DAY + 3600)
    plane.restart()
    error_of(me(plane, "quota"), 429, "monthly_quota_exceeded")
    plane.advance(DAY + 3600)
    assert me(plane, "quota").status_code == 200


@pytest.mark.facts("S36")
def test_what_was_refused_does_not_use_up_the_month(plane: ControlPlane) -> None:
    with plane.client(key_of("narrow")) as client:
        for _ in range(5):
            error_of(client.get("/blueprints"), 403, "insufficient_scope")
        assert [client.get("/databases").status_code for _ in range(4)] == [200, 200, 200, 429]
    with plane.client(key_of("bounded")) as client:
        for refused in REFUSED_LATE:
            assert client.request(**refused, headers=new_key()).status_code == 403, refused
        assert [client.get("/databases").status_code for _ in range(5)] == [200] * 4 + [429]


@pytest.mark.facts("keys:requests-per-minute", "rate:retry-after")
def test_the_rate_window_slides_with_the_clock_and_survives_a_restart(plane: ControlPlane) -> None:
    assert me(plane, "slow").status_code == 200
    plane.advance(20)
    assert me(plane, "slow").status_code == 200
    plane.advance(10)
    assert me(plane, "slow").headers["Retry-After"] == "30"
    plane.restart()
    assert me(plane, "slow").headers["Retry-After"] == "30"
    plane.advance(30)
    assert [me(plane, "slow").status_code for _ in range(2)] == [200, 429]


@pytest.mark.facts("keys:allowed-ip-list", "errors:403")
def test_a_key_is_good_from_its_addresses_only(plane: ControlPlane) -> None:
    assert me(plane, "here").status_code == 200
    error_of(me(plane, "elsewhere"), 403, "ip_not_allowed")
    with plane.client(key_of("elsewhere"), headers={"X-Forwarded-For": "192.0.2.7"}) as client:
        error_of(client.get("/me"), 403, "ip_not_allowed")


@pytest.mark.facts("keys:inactive-ttl", "S37", "S38")
def test_a_key_that_nobody_uses_expires(plane: ControlPlane) -> None:
    assert me(plane, "forgotten").status_code == 200
    plane.advance(30 * DAY)
    assert me(plane, "forgotten").status_code == 200
    plane.advance(30 * DAY + 1)
    for _ in range(2):
        error_of(me(plane, "forgotten"), 403, "expired_api_key")


@pytest.mark.facts("S37")
def test_a_revoked_key_is_refused(plane: ControlPlane) -> None:
    error_of(me(plane, "revoked"), 403, "expired_api_key")


@pytest.mark.parametrize(
    ("controls", "told"),
    [
        ({"allowed_ip_list": ["10.0.0.0/99"]}, "allowed_ip_list.0: Value error, must be an IP address"),
        ({"monthly_quota": -1}, "monthly_quota"),
        ({"scopes": ["databases:all"]}, "unknown scopes"),
        ({"expires": "never"}, "expires"),
    ],
)
def test_an_invalid_seed_is_rejected_without_showing_the_key(
    tmp_path: Path, controls: dict[str, Any], told: str
) -> None:
    seed = tmp_path / "users.json"
    key = {"key": "pk_live_secret_in_a_file", "name": "k", **controls}
    seed.write_text(json.dumps({"users": [{"name": "A", "email": "a@x.test", "teams": ["T"], "keys": [key]}]}))
    with pytest.raises(AssertionError) as failure, ControlPlane("--ephemeral", seed=seed):
        pass
    assert told in str(failure.value)
    assert "pk_live_secret_in_a_file" not in str(failure.value)


def user_with(email: str, **keys: str) -> dict[str, Any]:
    return {"name": email, "email": email, "keys": [{"key": key, "name": name} for name, key in keys.items()]}


def test_a_duplicate_key_in_a_seed_is_reported_by_its_preview(tmp_path: Path) -> None:
    seed = tmp_path / "users.json"
    key = "pk_live_given_to_two_users"
    seed.write_text(json.dumps({"users": [user_with("a@x.test", one=key), user_with("b@x.test", two=key)]}))
    told = "the key pk_live_••••••••sers stands there twice, as 'one' and 'two'"
    with pytest.raises(AssertionError, match=told) as failure, ControlPlane("--ephemeral", seed=seed):
        pass
    assert key not in str(failure.value)


def test_a_seed_may_rename_a_key_but_not_give_it_away(tmp_path: Path) -> None:
    seed = tmp_path / "users.json"
    first, second = "pk_live_first_of_the_keys", "pk_live_second_of_the_keys"

    def write(*users: dict[str, Any]) -> None:
        seed.write_text(json.dumps({"users": users}))

    write(user_with("a@x.test", old=first, other=second))
    with ControlPlane("--data-dir", str(tmp_path / "data"), "--pool-size", "0", seed=seed) as plane:
        write(user_with("a@x.test", new=first))
        plane.restart()
        names = {}
        for key in (first, second):  # the second was taken out, which takes nothing from it
            with plane.client(key) as client:
                names[key] = client.get("/me").json()["data"]["api_key"]["name"]
        assert names == {first: "new", second: "other"}
        for wrong in (user_with("b@x.test", new=first), user_with("a@x.test", other=first)):
            write(wrong)
            with pytest.raises(AssertionError, match=r"it is there already, as 'new' of a@x\.test") as failure:
                plane.restart()
            assert first not in str(failure.value)
            assert "Traceback" not in str(failure.value)


@pytest.mark.facts("S11", "S28")
def test_plans_of_a_seed(plane: ControlPlane) -> None:
    with plane.client() as client:
        shown = {}
        for plan in ("free", "launch", "enterprise"):
            made = create_database(client, plan, plan=plan)
            body = {"database_uuid": made["uuid"], "query": "SELECT 1"}
            codes = [client.post("/query_executions", json=body, headers=new_key()).status_code for _ in range(12)]
            shown[plan] = (*made["quotas"].values(), codes.count(200))
        assert shown == {"free": (1, 20, 80, 10), "launch": (10, 2, 80, 1), "enterprise": (0.5, 20, 80, 12)}
        with contextlib.ExitStack() as sessions:
            of_launch = next(each for each in client.get("/databases").json()["data"] if each["plan"] == "launch")
            login = client.get(f"/databases/{of_launch['uuid']}").json()["data"]["connection_string"]
            with pytest.raises(psycopg.OperationalError, match="too many connections"):
                for _ in range(3):
                    sessions.enter_context(psycopg.connect(login))
        refused = client.post("/databases", json={"name": "x", "plan": "absent"}, headers=new_key())
        assert "enterprise" in error_of(refused, 422, "invalid_field")["allowed"]


@pytest.mark.parametrize("plans", [{"launch": {"connection_hard_limit": 0}}, {"Launch": {}}, {"launch": {"cores": 4}}])
def test_a_seed_with_invalid_plans_is_rejected(tmp_path: Path, plans: dict[str, Any]) -> None:
    seed = tmp_path / "plans.json"
    seed.write_text(json.dumps({"plans": plans}))
    with pytest.raises(AssertionError, match=f"plans.{next(iter(plans))}"), ControlPlane("--ephemeral", seed=seed):
        pass


def test_the_keys_window_is_the_same_for_two_processes(plane: ControlPlane) -> None:
    plane.advance(3600)
    state = json.loads((Path(plane.arguments[1]) / "control-plane.json").read_text())
    url = f"postgresql://polykomos:{state['postgres_password']}@127.0.0.1:{state['postgres_port']}/postgres"
    with ControlPlane("--ephemeral", "--database-url", url, "--pool-size", "0") as other:
        wait_until(lambda: me(other, "here").json()["data"]["api_key"]["last_used_at"].startswith("2026-"))
        codes = [me(each, "slow").status_code for each in (plane, other, plane, other)]
    assert codes == [200, 200, 429, 429]
