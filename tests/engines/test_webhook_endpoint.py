"""A webhook endpoint's life on the real Pulumi CLI: replaced on every change, new before old."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from support.control_plane import new_key
from support.naming import unique
from support.pulumi import Stack


def url(path: str) -> str:
    return f"https://hooks.example.com/{path}"


def live(api: httpx.Client, id_: str) -> dict[str, Any]:
    listed = api.get("/webhook_endpoints", params={"limit": 100}).json()["data"]
    (found,) = [endpoint for endpoint in listed if endpoint["id"] == int(id_)]
    return found


def test_an_endpoints_whole_life(stack: Stack, api: httpx.Client) -> None:
    first = {"url": url(unique("a")), "events": ["database.provisioned"]}
    stack.write({"hook": ("WebhookEndpoint", first)}, {"secret": "${hook.secret}"})
    shown = stack.up()
    assert shown.ops == {"hook": "create"}
    secret = stack.outputs()["secret"]
    assert secret.startswith("whsec_")
    assert secret not in shown.output
    assert secret not in json.dumps(stack.state())
    id_ = stack.resource("hook")["id"]
    stack.assert_no_changes()
    stack.refresh("--expect-no-changes")
    assert stack.outputs()["secret"] == secret, "a refresh keeps what the API shows only once"

    for property_, change in [("url", {"url": url(unique("b"))}), ("events", {"events": ["database.deleted"]})]:
        first |= change
        stack.write({"hook": ("WebhookEndpoint", first)}, {"secret": "${hook.secret}"})
        planned = stack.preview()
        assert planned.replaces == {"hook": [property_]}
        done = stack.up()
        assert done.ops["hook"].split("+").index("create-replacement") < done.ops["hook"].split("+").index(
            "delete-replaced"
        )
        assert live(api, id_)["status"] == "revoked"
        id_ = stack.resource("hook")["id"]
        assert live(api, id_)["status"] == "active"
        stack.assert_no_changes()
    stack.write({"hook": ("WebhookEndpoint", {**first, "events": ["database.deleted", "database.deleted"]})})
    stack.assert_no_changes()
    stack.destroy()
    assert live(api, id_)["status"] == "revoked"


def test_revoked_out_of_band_is_made_again(stack: Stack, api: httpx.Client) -> None:
    stack.write({"hook": ("WebhookEndpoint", {"url": url(unique("gone"))})})
    stack.up()
    id_ = stack.resource("hook")["id"]
    api.delete(f"/webhook_endpoints/{id_}", headers=new_key()).raise_for_status()
    assert stack.preview("--refresh").ops == {"hook": "create"}
    assert stack.up("--refresh").ops == {"hook": "create"}
    stack.destroy()


def test_import_has_no_secret_and_no_diff(stack: Stack, api: httpx.Client) -> None:
    address = url(unique("adopt"))
    # More endpoints than a page holds: the one to import is found through the list.
    made = api.post("/webhook_endpoints", json={"url": address}, headers=new_key()).json()["data"]
    for _ in range(101):
        api.post("/webhook_endpoints", json={"url": url("more")}, headers=new_key()).raise_for_status()
    stack.import_("WebhookEndpoint", "hook", str(made["id"]))
    stack.write({"hook": ("WebhookEndpoint", {"url": address})})
    stack.assert_no_changes()
    assert "secret" not in stack.resource("hook")["outputs"]
    stack.refresh("--expect-no-changes")
    stack.destroy()


@pytest.mark.parametrize(
    ("given", "property_", "rule"),
    [
        ({"url": "http://example.com/x"}, "url", "https://"),
        ({"url": "nonsense"}, "url", "https://"),
        ({"url": "https://example.com/a b"}, "url", "spaces"),
        ({"url": "https://user:hunter2@example.com"}, "url", "user name or a password"),
        ({"url": "https://b\xfccher.example"}, "url", "xn--"),
        ({"url": "https://example.com", "events": ["database.eaten"]}, "events", "database.provisioned"),
        ({}, "url", "missing"),
    ],
)
def test_a_failed_check_names_property_and_rule(stack: Stack, given: dict, property_: str, rule: str) -> None:
    stack.write({"hook": ("WebhookEndpoint", given)})
    failed = stack.preview(ok=False)
    assert property_ in failed.output
    assert rule in failed.output.lower()


def test_all_events_named_mean_the_same_as_none(stack: Stack) -> None:
    where, every = url(unique("all")), ["database.deleted", "database.provisioned", "database.provisioning_started"]
    stack.write({"hook": ("WebhookEndpoint", {"url": where, "events": every})})
    stack.up()
    id_ = stack.resource("hook")["id"]
    for events in (None, every[::-1], [], [*every, "ping"]):
        stack.write({"hook": ("WebhookEndpoint", {"url": where, **({} if events is None else {"events": events})})})
        assert not stack.up().ops, events
        stack.refresh()
        stack.assert_no_changes()
    assert stack.resource("hook")["id"] == id_, "a new endpoint is a new secret"
    stack.write({"hook": ("WebhookEndpoint", {"url": where, "events": every[:2]})})
    assert stack.preview().replaces == {"hook": ["events"]}
    stack.destroy()
