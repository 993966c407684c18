"""The client obeys the environment: a machine's own proxies and certificates have no say in these tests."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SSLKEYLOGFILE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def _one_whole_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client whose time is over gives each call one attempt, however busy the machine is."""
    monkeypatch.setattr("resourcekit.http.sender.LEAST_SECONDS", 30.0)
