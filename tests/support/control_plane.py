"""A real `polykomos dev` as a child process."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import psycopg

from support import parity, server_admin
from support.dev_fork import DevFork
from support.needs import skip_without_mariadb

ALL_SCOPES = (
    "databases:read",
    "databases:write",
    "webhooks:read",
    "webhooks:write",
    "blueprints:read",
    "blueprints:write",
    "queries:write",
)
# Seeded keys; the developer's own is chosen by the control plane. SCOPE_KEYS: the developer's keys with one scope
# each. NO_SCOPE_KEY: a valid key that may only ask who it is. OTHER_KEY: every scope, but another user and team.
SCOPE_KEYS = {scope: f"pk_live_scope_{scope.replace(':', '_')}" for scope in ALL_SCOPES}
WILDCARD_KEY = "pk_live_scope_databases_wildcard"
NO_SCOPE_KEY = "pk_live_scope_none_0000"
OTHER_KEY = "pk_live_other_user_0000"

SEED = {
    "users": [
        {
            "name": "Dev Eloper",
            "email": "developer@polykomos.localhost",
            "keys": [
                *(
                    {"key": key, "name": scope, "scopes": [scope], "requests_per_minute": 0}
                    for scope, key in SCOPE_KEYS.items()
                ),
                {"key": WILDCARD_KEY, "name": "wild", "scopes": ["databases:*"], "requests_per_minute": 0},
                {"key": NO_SCOPE_KEY, "name": "none", "scopes": [], "requests_per_minute": 0},
            ],
        },
        {
            "name": "Other User",
            "email": "other@polykomos.localhost",
            "teams": ["Other Team"],
            "keys": [{"key": OTHER_KEY, "name": "all", "requests_per_minute": 0}],
        },
    ]
}

_EXPORT = re.compile(r"export ([A-Z]+_(?:BASE_URL|ADMIN_TOKEN|API_KEY))='([^']+)'")
# Bounds of what never takes long, far beyond what it takes beside much other work.
_READY_SECONDS = 240.0
WAIT_SECONDS = 240.0


# How long each provisioning takes at the slow control plane of the engine tests, unless its clock is put forward.
SLOW_SECONDS = 600
SLOW = ("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--provision-delay", str(SLOW_SECONDS))


def database_names(plane: ControlPlane) -> list[str]:
    """The names of the databases that are there."""
    with plane.client() as api:
        return [database["name"] for database in api.get("/databases", params={"limit": 100}).json()["data"]]


@contextlib.contextmanager
def frozen(plane: ControlPlane, at: str) -> Iterator[None]:
    """Its clock stands at this time within the block."""
    with plane.admin() as admin:
        admin.post("/clock/freeze", json={"at": at}).raise_for_status()
        try:
            yield
        finally:
            admin.post("/clock/reset").raise_for_status()


def new_key() -> dict[str, str]:
    """The header of a fresh Idempotency-Key."""
    return {"Idempotency-Key": str(uuid.uuid4())}


class ControlPlane:
    """Started by `with` or `start()`; `restart()` takes the same port again.

    quick: as a fork of a process that has loaded the control plane (`support.dev_fork`), for half the CPU time.
    base_url ends in /api/v1. log_text is all that stderr has shown since the first start. keys, secrets: what all of
    this test process have given out, so that it can be searched for in the end.
    """

    keys: ClassVar[set[str]] = set()
    secrets: ClassVar[set[str]] = set()

    def __init__(self, *arguments: str, port: int = 0, seed: Path | None = None, quick: bool = True) -> None:
        self.arguments = arguments
        self._is_quick = quick
        self.base_url = ""
        self.api_key = ""
        self.admin_token = ""
        self._port = port
        self._seed = seed
        self._process: subprocess.Popen[str] | DevFork | None = None
        self._files = contextlib.ExitStack()
        self._log = Path()

    def __enter__(self) -> Self:
        directory = Path(self._files.enter_context(tempfile.TemporaryDirectory()))
        self._log = directory / "stderr.log"
        if self._seed is None:
            self._seed = directory / "seed.json"
            self._seed.write_text(json.dumps(SEED))
        self.arguments = (*self.arguments, "--seed", str(self._seed))
        try:
            self.start()
        except BaseException:
            self.stop()
            self._files.close()
            raise
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            self.stop()
            if failure is None:
                shown = [secret for secret in self.keys | self.secrets if secret in self.log_text]
                assert not shown, "a secret in the control plane's log"
        finally:
            self._files.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_dead(self) -> bool:
        """Whether it was killed, by whomever."""
        assert self._process is not None
        return self._process.poll() is not None

    @property
    def origin(self) -> str:
        """The URL without /api/v1."""
        return self.base_url.removesuffix("/api/v1")

    @property
    def log_text(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def request_lines(self) -> list[dict[str, Any]]:
        """The request log, parsed."""
        lines = [json.loads(line) for line in self.log_text.splitlines()]
        return [line for line in lines if line["logger"] == "controlplane.request"]

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """A client with the developer's key, or another one."""
        headers = {"Authorization": f"Bearer {key or self.api_key}", **options.pop("headers", {})}
        # httpx would send to a proxy of the environment.
        defaults = {"base_url": self.base_url, "headers": headers, "timeout": 130, "trust_env": False}
        hooks = {"response": [skip_without_mariadb, *parity.hooks().get("response", [])]}
        return httpx.Client(**{**defaults, "event_hooks": hooks, **options})

    def vendor(self, name: str, key: str | None = None, **options: Any) -> httpx.Client:
        """A client of another vendor's API."""
        return self.client(key, base_url=f"{self.origin}/{name}", **options)

    def admin(self) -> httpx.Client:
        """A client of the admin API."""
        return self.client(self.admin_token, base_url=f"{self.origin}/_polykomos")

    def advance(self, seconds: float) -> None:
        """Put the clock forward."""
        with self.admin() as admin:
            admin.post("/clock/advance", json={"seconds": seconds}).raise_for_status()

    def freeze(self) -> None:
        """Let time stand still."""
        with self.admin() as admin:
            admin.post("/clock/freeze", json={}).raise_for_status()

    def start(self) -> None:
        """Start, and return when the export lines have been read."""
        words, env = ("--port", str(self._port), *self.arguments), {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._process = DevFork(words, self._log, env) if self._is_quick else self._started(words, env)
        # Reading blocks, so a start that hangs is ended from aside.
        watchdog = threading.Timer(_READY_SECONDS, self._process.kill)
        watchdog.start()
        try:
            exports = self._read_exports()
        finally:
            watchdog.cancel()
        self.base_url = exports["POLYKOMOS_BASE_URL"]
        self.api_key = exports["POLYKOMOS_API_KEY"]
        self.admin_token = exports.get("POLYKOMOS_ADMIN_TOKEN", "")
        self._port = int(self.base_url.rsplit(":", 1)[1].split("/")[0])

    def _started(self, words: Sequence[str], env: dict[str, str]) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("polykomos")), "dev", *words]
        with self._log.open("a") as log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)

    def _read_exports(self) -> dict[str, str]:
        assert self._process is not None
        assert self._process.stdout is not None
        exports: dict[str, str] = {}
        for line in self._process.stdout:
            match = _EXPORT.fullmatch(line.strip())
            assert match, f"unexpected line on stdout: {line!r}"
            exports[match[1]] = match[2]
            if match[1] == "POLYKOMOS_API_KEY":  # the last one
                return exports
        raise AssertionError(f"polykomos dev ended with {self._process.wait()}: {self.log_text[-3000:]}")

    def stop(self, patience: float = 60.0) -> int | None:
        """SIGTERM; returns the exit code, None if it was not running."""
        process = self._process
        if process is None or process.poll() is not None:
            return None
        self._remember()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _remember(self) -> None:
        """What it has given out. Where its server was taken away, only the keys."""
        self.keys.update({self.api_key, self.admin_token} - {""})
        with contextlib.suppress(psycopg.Error, OSError, LookupError):
            self.secrets.update(server_admin.secrets(self))

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Start again on the same port (after stop or kill)."""
        self.stop()
        self.start()


def wait_until(condition: Any, *, seconds: float = WAIT_SECONDS, every: float = 0.05) -> Any:
    """The first truthy value of `condition()`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(every)


def wait_active(client: httpx.Client, uuid: str, *, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
    """The database once it is active."""

    def look() -> dict[str, Any] | None:
        reply = client.get(f"/databases/{uuid}")
        assert reply.status_code == 200, reply.text
        data: dict[str, Any] = reply.json()["data"]
        return data if data["status"] == "active" else None

    found: dict[str, Any] = wait_until(look, seconds=seconds)
    return found


def create_database(client: httpx.Client, name: str = "orders", **body: Any) -> dict[str, Any]:
    """An active database. The first MySQL database waits for MariaDB's installation and start."""
    params = {"wait": "true", "timeout": "120"}
    reply = client.post("/databases", params=params, json={"name": name, **body}, headers=new_key())
    assert reply.status_code == 201, reply.text
    data: dict[str, Any] = reply.json()["data"]
    return data if data["status"] == "active" else wait_active(client, data["uuid"])


def delete_all(client: httpx.Client, uuids: Sequence[str]) -> None:
    """Delete databases, whether they exist or not."""
    for database in uuids:
        client.delete(f"/databases/{database}", headers=new_key())
