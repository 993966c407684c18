"""A control plane for tests: `polykomos dev` as a child process, and its admin API in Python."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # loaded when it is needed: pytest imports this module in every run
    import httpx

_EXPORT = re.compile(r"export POLYKOMOS_(BASE_URL|ADMIN_TOKEN|API_KEY)='([^']+)'")
_READY_SECONDS = 60.0
# Parts of the admin API whose changes `clear_faults` undoes.
_UNDONE = ("faults", "clock", "provisioning", "ids", "queries")


class StartupError(RuntimeError):
    """`polykomos dev` did not become ready; the message contains the end of its log."""


# The name of earlier releases.
NotStarted = StartupError


class ControlPlane:
    """A control plane that runs inside its `with` block. Its data is removed at the end.

    Args:
        arguments: Further options of `polykomos dev`.

    Attributes:
        base_url: The URL of the API.
        api_key: A key with every scope.
        admin_token: The token of the admin API; empty with `--no-admin`.
        is_changed: Whether faults, clock, provisioning, ids or answers to queries were changed since the last
            `clear_faults`.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._arguments = ["--ephemeral", "--port", "0", "--rate-limit", "0", *arguments]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process: subprocess.Popen[str] | None = None
        self.base_url = ""
        self.api_key = ""
        self.admin_token = ""
        self.is_changed = False

    def __enter__(self) -> Self:
        """Start the control plane.

        Raises:
            StartupError: It did not become ready within 60 seconds.
        """
        program = Path(sys.executable).with_name("polykomos")
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [program, "dev", *self._arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        # Reading blocks, so a timer ends a start that hangs.
        watchdog = threading.Timer(_READY_SECONDS, self._process.kill)
        watchdog.start()
        try:
            self._read_exports(self._process)
        finally:
            watchdog.cancel()
        return self

    def _read_exports(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            match = _EXPORT.fullmatch(line.strip())
            if match is not None:
                setattr(self, match[1].lower(), match[2])
            if self.api_key:
                return
        process.wait()
        self._log.seek(0)
        end = self._log.read().decode(errors="replace")[-2000:]
        raise StartupError(f"`polykomos dev` ended with status {process.returncode}:\n{end}")

    def __exit__(self, *_: object) -> None:
        """Stop the control plane, which removes its data directory."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
        self._log.close()

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that the providers, the SDKs and `polykomos` read."""
        return {"POLYKOMOS_BASE_URL": self.base_url, "POLYKOMOS_API_KEY": self.api_key}

    @cached_property
    def api(self) -> httpx.Client:
        """A client of the API with a key with every scope. Paths begin after `/api/v1`."""
        return _client(self.base_url, self.api_key)

    @cached_property
    def admin(self) -> httpx.Client:
        """A client of the admin API. Paths begin after `/_polykomos`."""
        client = _client(self.base_url.replace("/api/v1", "/_polykomos"), self.admin_token)
        client.event_hooks["request"].append(self._note_change)
        return client

    def _note_change(self, request: httpx.Request) -> None:
        path = request.url.path
        if request.method != "GET" and any(f"/_polykomos/{part}" in path for part in _UNDONE):
            self.is_changed = True

    def advance(self, seconds: float) -> None:
        """Advance the clock: grace periods, keys, rate windows and retries are that much older.

        Args:
            seconds: The time to add.
        """
        self.admin.post("/clock/advance", json={"seconds": seconds}).raise_for_status()

    def inject_fault(self, operation: str, effect: str, **fields: Any) -> None:
        """Add a fault rule for an operation (docs/control-plane.md).

        Args:
            operation: The operation of the API, such as `createDatabase`.
            effect: The fault, such as `lost_response`.
            fields: Further fields of the rule. Without `count`, the rule applies to the next request only.
        """
        rule = {"operation": operation, "effect": effect, **fields}
        self.admin.post("/faults", json=rule).raise_for_status()

    def answer_query(self, query: str, sql: str, *, db_type: str | None = None) -> None:
        """Set the SQL that runs when a program sends this query (docs/control-plane.md).

        Args:
            query: The text, at most 2,000 characters; case and white space do not matter.
            sql: What runs in its place, on the database that the program names. It passes the same safety check.
            db_type: `postgres` or `mysql`, to answer on databases of that engine only.
        """
        answer = {"query": query, "sql": sql, "db_type": db_type}
        self.admin.put("/queries", json=answer).raise_for_status()

    def fail(self, operation: str, effect: str, **fields: Any) -> None:
        """Add a fault rule. This is the name of `inject_fault` in earlier releases."""
        self.inject_fault(operation, effect, **fields)

    def clear_faults(self) -> None:
        """Remove all fault rules and answers to queries, and reset clock, provisioning and ids."""
        self.admin.delete("/faults").raise_for_status()
        self.admin.post("/clock/reset").raise_for_status()
        as_started = {"delay_seconds": None, "pool_size": None, "failures": 0, "kill_at": None}
        self.admin.patch("/provisioning", json=as_started).raise_for_status()
        self.admin.put("/ids", json={"seed": None}).raise_for_status()
        self.admin.delete("/queries").raise_for_status()
        self.is_changed = False

    def heal(self) -> None:
        """Remove all fault rules. This is the name of `clear_faults` in earlier releases."""
        self.clear_faults()

    def reset(self) -> None:
        """Remove every database, blueprint and webhook endpoint. Users and keys stay."""
        self.admin.post("/reset").raise_for_status()

    def inbox_url(self, name: str) -> str:
        """Return the URL for a webhook endpoint whose deliveries `inbox(name)` returns."""
        return self.base_url.replace("/api/v1", f"/_polykomos/inbox/{name}")

    def inbox(self, name: str) -> list[dict[str, Any]]:
        """Return the received deliveries, oldest first: `body`, `headers`, `is_signed`."""
        deliveries: list[dict[str, Any]] = self.admin.get(f"/inbox/{name}").raise_for_status().json()
        return deliveries

    def create_database(self, name: str, **fields: Any) -> dict[str, Any]:
        """Create a database, and return it when it is ready, with its `connection_string`.

        Args:
            name: The name.
            fields: Further fields of the request.
        """
        reply = self.api.post(
            "/databases", params={"wait": "true", "timeout": 120}, json={"name": name, **fields}, headers=_keyed()
        )
        created: dict[str, Any] = reply.raise_for_status().json()["data"]
        while created["status"] == "provisioning":
            time.sleep(0.1)
            created = self.api.get(f"/databases/{created['uuid']}").raise_for_status().json()["data"]
        return created

    def delete_database(self, database: str) -> None:
        """Delete a database by its UUID. If it is deleted already, do nothing."""
        reply = self.api.delete(f"/databases/{database}", headers=_keyed())
        if reply.status_code != 404:
            reply.raise_for_status()

    def destroy_database(self, database: str) -> None:
        """Delete a database and its files, without the 24 hours of grace."""
        self.delete_database(database)
        if self.admin_token:  # with `--no-admin` there is none
            reply = self.admin.post(f"/databases/{database}/destroy")
            if reply.status_code != 404:
                reply.raise_for_status()


def _client(base_url: str, token: str) -> httpx.Client:
    import httpx

    # httpx would send to a proxy of the environment.
    return httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=150, trust_env=False)


def _keyed() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}
