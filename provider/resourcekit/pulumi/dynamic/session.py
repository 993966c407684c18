"""One package in the host's process: connected once, whichever of its resources are provided."""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from resourcekit.context import Context
from resourcekit.errors import CheckError, ResourceError
from resourcekit.fields import field_specs
from resourcekit.idempotency import IdempotencyKeys, OwnershipRegistry
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.plugin.logging import parse_level
from resourcekit.provider_config import apply_environment
from resourcekit.pulumi import provider_config
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.deletion_guard import DeletionGuard, RunState
from resourcekit.pulumi.dynamic.host_values import read
from resourcekit.pulumi.engine_log import EngineLog, ResourceLog
from resourcekit.pulumi.properties import to_plain_outputs
from resourcekit.pulumi.session import make_context
from resourcekit.pulumi.stack_export import StackEntry, StackExport, urn_type
from resourcekit.redaction import Redactor


class StackConfig(Protocol):
    """The stack's configuration, by `namespace:name`."""

    def get(self, key: str) -> Any:
        """The value; None where it is not set."""


class DynamicSession:
    """Configured by the host from the stack's configuration, connected at the first need."""

    def __init__(self, package: Package[Any]) -> None:
        self.package = package
        self.lifecycles = {resource.name: Lifecycle(package, resource) for resource in package.resources}
        self._engine = EngineLog()
        self._settings: dict[str, Any] = {}
        self._api: Any = None
        self._stack = StackExport("", None)
        self._ledger = OwnershipRegistry(lambda: self._stack.resource_refs())
        self.run = RunState()
        self._deletions = DeletionGuard(self._stack, self.run, self._protection)
        self._lock = threading.Lock()
        self._logs = False
        # The host keeps the engine's Cancel to itself: nothing ever sets this.
        self._cancel = threading.Event()

    def configure(self, config: StackConfig) -> None:
        """The host has a provider ready. It does so for each resource's, with the same configuration."""
        with self._lock:
            self._settings = config_from_stack(self.package, config)
            is_first, self._logs = not self._logs, True
        self._engine.attach(engine_address(sys.argv[1:]))
        if is_first:
            self._start_logging(os.environ.get(self.package.log_variable))

    def _start_logging(self, given: str | None) -> None:
        """Log to stderr where the user gave a level. One that does not exist is a warning, as of the plugins."""
        if not given:
            return
        level, problem = parse_level(given, "warning")
        logging.basicConfig(stream=sys.stderr, level=level.upper())
        if problem:
            self._engine.warn("", f"{self.package.log_variable}: {problem}")

    def set_stack(self, urn: str) -> None:
        """Learn the stack's name from the URN of any of its resources. The first URN decides: a host has one stack."""
        if urn and not self._stack.is_known:
            self._stack = StackExport(urn, None)
            self._deletions = DeletionGuard(self._stack, self.run, self._protection)

    def context(self, urn: str, seconds: float, **facts: Any) -> Context[Any]:
        """Return the context of one operation. facts: as `make_context` takes them, beside those of the session.

        Raises:
            CheckFailed: A setting breaks a rule.
        """
        # The host does not tell which values are secret.
        row = ResourceLog(self._engine, urn, Redactor())
        return make_context(
            row,
            seconds,
            package=self.package,
            api=self._connected(),
            cancel=self._cancel,
            ledger=self._ledger,
            **facts,
        )

    def note(self, urn: str, id: str) -> None:
        """The engine spoke of this object."""
        if urn:
            self._ledger.record_seen(urn_type(urn), id)

    def refuse_deletion(self, urn: str) -> None:
        """Raise ResourceError when a protected object would lose this one, which depends on it."""
        if urn:
            self._deletions.check_delete(urn)

    def _protection(self, entry: StackEntry) -> str | None:
        """Why a resource of the state must stay; None when it need not."""
        token, prefix = str(entry.get("type")), f"pulumi-python:dynamic/{self.package.name}:"
        lifecycle = self.lifecycles.get(token.removeprefix(prefix)) if token.startswith(prefix) else None
        return None if lifecycle is None else lifecycle.deletion_blocked_reason(read(to_plain_outputs(entry)).values)

    def keys(self, urn: str) -> IdempotencyKeys:
        """Of a creation: foreseeable where the settings name the program, since the engine tells the host nothing
        that does.
        """
        scope = apply_environment(self.package, self._settings).get(self.package.idempotency_scope_setting)
        return IdempotencyKeys(urn_type(urn), f"{scope} {urn}", self._ledger) if scope and urn else IdempotencyKeys()

    def _connected(self) -> Any:
        with self._lock:
            if self._api is None:
                checked = provider_config.check(self.package, self._settings)
                if checked.failures:
                    raise CheckError(checked.failures)
                self._api = provider_config.configure_client(
                    self.package, self._settings, lambda text: self._engine.warn("", text)
                )
            return self._api

    def lifecycle(self, name: str) -> Lifecycle:
        """Of a resource. Raises ResourceError."""
        found = self.lifecycles.get(name)
        if found is None:
            raise ResourceError(
                f"{self.package.name} {self.package.version} has no resource {name!r}; it has "
                f"{', '.join(self.lifecycles)}. The stack's state may be of another version"
            )
        return found


@functools.cache
def shared_session(load: Callable[[], Package[Any]]) -> DynamicSession:
    """The one session of the package that `load` gives."""
    return DynamicSession(load())


def config_from_stack(package: Package[Any], config: StackConfig) -> dict[str, Any]:
    """The provider's settings, as `pulumi config set package:name` wrote them."""
    found = {name: config.get(f"{package.name}:{to_camel(name)}") for name in field_specs(package.settings)}
    return {name: value for name, value in found.items() if value is not None}


def engine_address(argv: list[str]) -> str:
    """Where the engine listens for log lines: it starts the host with that as the last argument. Empty = unknown."""
    return argv[-1] if argv and argv[-1].rpartition(":")[2].isdigit() else ""
