"""The plan's rule for webhook URLs against the API's: what the one takes the other takes too."""

from __future__ import annotations

import pytest

from controlplane.webhooks import requests
from polykomos.resources.webhook_endpoint.schema import WebhookEndpointArgs, check_url, normalize_events
from resourcekit.fields import field_specs

TAKEN = (
    "https://example.com",
    "HTTPS://Example.com:8443/a%20b?c=d#e",
    "https://xn--bcher-kva.example/x",
    "https://[2001:db8::1]:8443/x",
    "http://localhost:8080/x",
    "http://127.9.9.9/x",
    "http://[::1]/x",
    "https://10.1.2.3/x",
    "https://a_b.example/x",
    "https://example.com/~x/@y",
)
REFUSED = (
    "",
    "nonsense",
    "https://",
    "ftp://example.com",
    "http://example.com",
    "http://localhost.evil.example/x",
    "https://example.com/a b",
    " https://example.com",
    "https://example.com\n",
    "https://example.com/\t",
    "https://user:hunter2@example.com",
    "https://user@example.com",
    "https://@example.com",
    "https://b\xfccher.example",
    "https://example.com/\xfc",
    "https://example.com/%zz",
    "https://example.com:0",
    "https://example.com:99999",
    "https://example.com:x",
    "https://[::1",
    "https://[x]/",
    "https://exa%20mple.com/",
    "https://169.254.169.254/",
    "https://[fe80::1]/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    f"https://example.com/{'x' * 2048}",
)


@pytest.mark.parametrize("url", TAKEN)
def test_what_the_api_takes_is_taken(url: str) -> None:
    assert requests.check_url(url) == check_url(url) == url


@pytest.mark.parametrize("url", REFUSED)
def test_what_the_api_refuses_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError):
        requests.check_url(url)
    with pytest.raises(ValueError, match="must") as raised:
        check_url(url)
    assert "hunter2" not in str(raised.value)


def test_events_are_the_same_when_they_mean_the_same() -> None:
    every = [each for each in requests.EVENTS if each != "ping"]
    events = field_specs(WebhookEndpointArgs)["events"]
    for same in (None, [], every, every[::-1], [*every, "ping"], [*every, every[0]]):
        for other in (None, [], every):
            assert events.semantically_equal(same, other)
            assert events.semantically_equal(other, same)
    assert not events.semantically_equal(every[:2], None)
    assert not events.semantically_equal([], every[:1])
    assert not events.semantically_equal(["ping"], None)
    assert events.semantically_equal(["ping", every[0]], [every[0], "ping", "ping"])
    assert normalize_events(["ping"]) == ["ping"]
