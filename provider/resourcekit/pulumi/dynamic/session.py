"""The session of one package in the process of the dynamic provider host: one client for all its resources."""

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
from resourcekit.pulumi.dynamic.host_values import read_state
from resourcekit.pulumi.engine_log import EngineLog, ResourceLog
from resourcekit.pulumi.properties import to_plain_outputs
from resourcekit.pulumi.session import make_context
from resourcekit.pulumi.stack_export import StackEntry, StackExport, urn_type
from resourcekit.redaction import Redactor


class StackConfig(Protocol):
    """The stack's configuration, by `namespace:name`."""

    def get(self, key: str) -> Any:
        """Return the value, or None if it is not set."""


class DynamicSession:
    """The session: the host configures it from the stack's configuration, and it connects on first use."""

    def __init__(self, package: Package[Any]) -> None:
        self.package = package
        self.lifecycles = {resource.name: Lifecycle(package, resource) for resource in package.resources}
        self._engine = EngineLog()
        self._settings: dict[str, Any] = {}
        self._api: Any = None
        self._stack = StackExport("", None)
        self._ownership = OwnershipRegistry(lambda: self._stack.resource_refs())
        self.run = RunState()
        self._deletions = DeletionGuard(self._stack, self.run, self._protection)
        self._lock = threading.Lock()
        self._is_logging = False
        # The host does not pass on the engine's Cancel, so this event is never set.
        self._cancel = threading.Event()

    def configure(self, config: StackConfig) -> None:
        """Set the settings. The host calls this for each resource's provider, with the same configuration."""
        with self._lock:
            self._settings = config_from_stack(self.package, config)
            is_first, self._is_logging = not self._is_logging, True
        self._engine.attach(engine_address(sys.argv[1:]))
        if is_first:
            self._start_logging(os.environ.get(self.package.log_variable))

    def _start_logging(self, user_level: str | None) -> None:
        """Log to stderr if the user set a level. An unknown level causes a warning, as in the plugins."""
        if not user_level:
            return
        level, problem = parse_level(user_level, "warning")
        logging.basicConfig(stream=sys.stderr, level=level.upper())
        if problem:
            self._engine.warn("", f"{self.package.log_variable}: {problem}")

    def set_stack(self, urn: str) -> None:
        """Take the stack's name from a URN. The first URN decides, because a host serves one stack."""
        if urn and not self._stack.is_known:
            self._stack = StackExport(urn, None)
            self._deletions = DeletionGuard(self._stack, self.run, self._protection)

    def context(self, urn: str, seconds: float, **options: Any) -> Context[Any]:
        """Return the context of one operation.

        Args:
            urn: The resource's URN.
            seconds: The time limit.
            options: Further arguments of `make_context`.

        Raises:
            CheckError: A setting breaks a rule.
        """
        # The host does not pass on which values are secret.
        row = ResourceLog(self._engine, urn, Redactor())
        return make_context(
            row,
            seconds,
            package=self.package,
            api=self._connected(),
            cancel=self._cancel,
            ownership=self._ownership,
            **options,
        )

    def record_seen(self, urn: str, id: str) -> None:
        """Record an object that the engine named in a call."""
        if urn:
            self._ownership.record_seen(urn_type(urn), id)

    def check_delete(self, urn: str) -> None:
        """Check that a resource may be deleted (`DeletionGuard.check_delete`).

        Raises:
            ResourceError: The resource depends on a protected object that this run would delete as well.
        """
        if urn:
            self._deletions.check_delete(urn)

    def _protection(self, entry: StackEntry) -> str | None:
        """Return why a resource of the state must not be deleted, or None if it may be."""
        token, prefix = str(entry.get("type")), f"pulumi-python:dynamic/{self.package.name}:"
        lifecycle = self.lifecycles.get(token.removeprefix(prefix)) if token.startswith(prefix) else None
        return (
            None
            if lifecycle is None
            else lifecycle.deletion_blocked_reason(read_state(lifecycle.resource, to_plain_outputs(entry)).values)
        )

    def idempotency_keys(self, urn: str) -> IdempotencyKeys:
        """Return the keys for a create call.

        The keys are deterministic only if a setting identifies the program (`Package.idempotency_scope_setting`),
        because the engine passes nothing to the host that does.
        """
        scope = apply_environment(self.package, self._settings).get(self.package.idempotency_scope_setting)
        if not (scope and urn):
            return IdempotencyKeys()
        replaced = self.run.diffed.get(urn, "")
        return IdempotencyKeys(urn_type(urn), f"{scope} {urn}", self._ownership, replaced=replaced)

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
        """Return the lifecycle of a resource.

        Raises:
            ResourceError: There is no such resource.
        """
        lifecycle = self.lifecycles.get(name)
        if lifecycle is None:
            raise ResourceError(
                f"{self.package.name} {self.package.version} has no resource {name!r}; expected one of "
                f"{', '.join(self.lifecycles)}. Another version of the package may have written the stack's state"
            )
        return lifecycle


@functools.cache
def shared_session(load: Callable[[], Package[Any]]) -> DynamicSession:
    """Return the session of the package that `load` returns. There is one per process."""
    return DynamicSession(load())


def config_from_stack(package: Package[Any], config: StackConfig) -> dict[str, Any]:
    """Return the provider's settings from the stack's configuration (`pulumi config set package:name`)."""
    settings = {name: config.get(f"{package.name}:{to_camel(name)}") for name in field_specs(package.settings)}
    return {name: value for name, value in settings.items() if value is not None}


def engine_address(argv: list[str]) -> str:
    """Return the address of the engine's log, which is the last argument of the host; empty: unknown."""
    return argv[-1] if argv and argv[-1].rpartition(":")[2].isdigit() else ""
