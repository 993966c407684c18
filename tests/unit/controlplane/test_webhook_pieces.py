"""Addresses, event names, signatures, schedule and bodies of webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlplane.http.errors import ApiError
from controlplane.http.validation import parse_body
from controlplane.webhooks.delivery import new_secret, next_attempt, sign
from controlplane.webhooks.outbox import event_body
from controlplane.webhooks.requests import CreateWebhookEndpoint

NOW = datetime(2026, 2, 10, 14, 23, 1, tzinfo=UTC)


@pytest.mark.facts("C20")
@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com:8443/a/b?c=d&e=%20",
        "HTTPS://EXAMPLE.com/x",
        "https://192.0.2.7/x",
        "https://[2001:db8::1]:8443/x",
        "http://localhost:9/x",
        "http://127.0.0.1:9/x",
        "http://127.9.9.9/x",
        "http://[::1]:9/x",
    ],
)
def test_addresses_accepted(url: str) -> None:
    assert parse_body(CreateWebhookEndpoint, {"url": url}).url == url


@pytest.mark.facts("C20")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "//example.com",
        "https://",
        "https:///x",
        "https://:443/x",
        "https://example.com:0/x",
        "https://example.com:65536/x",
        "https://example.com:x/",
        "https://user:pass@example.com/x",
        "https://user@example.com/x",
        "https://exa mple.com",
        "https://example.com/\r\nX-Evil: 1",
        "https://example.com/\n",
        "https://example.com/%zz",
        "https://bücher.example",
        "https://[::g]/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/x",
        "https://[fd00:ec2::254]/x",
        "https://[::ffff:169.254.169.254]/x",
        "https://0.0.0.0/x",
        "https://0.1.2.3/x",
        "https://168.63.129.16/machine",
        "https://[fd20:ce::254]/x",
        "https://[fd00:ec2::23]/x",
        "https://[fec0::1]/x",
        "https://[64:ff9b:1::a9fe:a9fe]/x",
        "https://[2001:0:1:2::5601:5601]/x",  # Teredo, of 169.254.169.254
        "https://224.0.0.1/x",
        "https://[::1/x",
        "https://example.com/" + "a" * 2048,
        "ftp://example.com/x",
        "http://example.com/x",
        "http://localhost.example.com/x",
        "http://127.0.0.1.example.com/x",
        "http://127.0.0.1@example.com/x",
        "http://10.0.0.1/x",
        "http://0.0.0.0/x",
        None,
        5,
    ],
)
def test_addresses_refused(url: object) -> None:
    with pytest.raises(ApiError) as refused:
        parse_body(CreateWebhookEndpoint, {"url": url})
    assert refused.value.status == 422
    assert refused.value.code == "invalid_field"
    assert refused.value.details["field"] == "url"


def test_a_missing_address_is_named() -> None:
    with pytest.raises(ApiError) as refused:
        parse_body(CreateWebhookEndpoint, {"events": []})
    assert refused.value.code == "missing_required_field"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, []),
        ({"events": []}, []),
        ({"events": ["ping"]}, ["ping"]),
        (
            {"events": ["database.provisioned", "database.deleted", "database.provisioned"]},
            ["database.provisioned", "database.deleted"],
        ),
    ],
)
def test_duplicate_events_are_stored_once(given: dict[str, Any], kept: list[str]) -> None:
    assert parse_body(CreateWebhookEndpoint, {"url": "https://a.example", **given}).events == kept


@pytest.mark.facts("S30")
@pytest.mark.parametrize("events", [["database.eaten"], ["DATABASE.DELETED"], [""], "ping", [5], None, {}])
def test_events_refused(events: object) -> None:
    with pytest.raises(ApiError) as refused:
        parse_body(CreateWebhookEndpoint, {"url": "https://a.example", "events": events})
    assert refused.value.code == "invalid_field"
    assert refused.value.details["field"].startswith("events")


@pytest.mark.facts("webhooks:signature")
def test_a_signature_known_from_elsewhere() -> None:
    # printf '{"event":"ping"}' | openssl dgst -sha256 -hmac whsec_test
    assert (
        sign("whsec_test", b'{"event":"ping"}')
        == "sha256=645e86a36ef1ed458be359c7d3c57737f8a202a88274a809a507f208ba54d991"
    )


def test_secrets_differ_and_carry_their_prefix() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(first) >= 6 + 32


@pytest.mark.facts("webhooks:retries")
def test_retries_at_1_s_5_s_30_s_2_min_10_min() -> None:
    pauses = [next_attempt("database.deleted", attempts, NOW) for attempts in range(1, 7)]
    assert pauses == [*(NOW + timedelta(seconds=s) for s in (1, 5, 30, 120, 600)), None]


def test_a_ping_is_not_repeated() -> None:
    assert next_attempt("ping", 1, NOW) is None


@pytest.mark.facts("webhooks:body")
def test_the_body_of_an_event() -> None:
    body = event_body("database.deleted", {"name": "bücher"}, NOW)
    assert json.loads(body) == {
        "event": "database.deleted",
        "timestamp": "2026-02-10T14:23:01+00:00",
        "data": {"name": "bücher"},
    }
