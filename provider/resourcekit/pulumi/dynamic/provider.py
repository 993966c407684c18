"""A resource's dynamic provider: the host's calls, answered by the lifecycle that serves every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.planning.validate import null_entries, validate_declaration
from resourcekit.pulumi.dynamic import host_values
from resourcekit.pulumi.dynamic.errors import check_failures, format_failure, translate_errors
from resourcekit.pulumi.dynamic.host_values import HostProperties
from resourcekit.pulumi.dynamic.session import shared_session
from resourcekit.pulumi.numbers import rounded_numbers
from resourcekit.pulumi.property_path import IgnoredPaths
from resourcekit.resource import Resource
from resourcekit.results import ApplyResult

_LOOKING = 120


class DynamicProvider(ResourceProvider):
    """Provides the resource `name` of the package that `load` gives.

    restore: a function of a module that gives this provider again, by the resource's name. Pulumi pickles providers
    into the stack's state; all that it gets of this one is that function's import path and the name.
    """

    # There is nothing in it to hide.
    serialize_as_secret_always = False

    def __init__(self, restore: Callable[[str], DynamicProvider], load: Callable[[], Package[Any]], name: str) -> None:
        super().__init__()
        self._restore = restore
        self._load = load
        self._name = name

    def __reduce__(self) -> tuple[Callable[[str], DynamicProvider], tuple[str]]:
        return self._restore, (self._name,)

    @property
    def package(self) -> Package[Any]:
        """Whose resource it is."""
        return self._load()

    @property
    def resource(self) -> Resource[Any, Any, Any]:
        """The declaration."""
        return self._lifecycle.resource

    @translate_errors
    def configure(self, req: ConfigureRequest) -> None:
        shared_session(self._load).configure(req.config)

    @translate_errors
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        given = host_values.read(news)
        run = shared_session(self._load).run
        run.checked.add(given.urn)
        run.null_entries[given.urn] = null_entries(self.resource.arguments, given.values)
        checked = validate_declaration(self.resource, given.values)
        rounded = rounded_numbers(self.resource.arguments, given.values, host_values.read(_olds or {}).values)
        failures = (*checked.failures, *rounded)
        if not failures and not _olds and not given.import_id:
            # The host has no preview of a create: what the API would refuse is asked here.
            try:
                self._lifecycle.preview_create(checked.values, self._context(given, _LOOKING))
            except ResourceError as error:
                failures = check_failures(error)
        # The engine prints the value of a property that it is told of, and the host does not tell which are secret.
        found = [CheckFailure("", format_failure(failure)) for failure in failures]
        return CheckResult(host_values.write(checked.values, given.program), found)

    @translate_errors
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        olds, news = self._noted(_id, _olds), host_values.read(_news)
        shared_session(self._load).run.diffed.add(olds.urn)
        ctx = self._context(news, _LOOKING, account=olds.account)
        args, ignored = self._applied(news, olds)
        difference = self._lifecycle.diff(state=olds.values, old_inputs=olds.inputs, news=args, ignore=ignored, ctx=ctx)
        plan = self._lifecycle.plan_changes(_id, difference, args=args, state=olds.values, ctx=ctx)
        changes = {each.name for each in difference.changes if each.replaces or news.replaces(each.path)}
        replaces = sorted(changes.union(plan.replacement_triggers))
        # Nor has it one of an update.
        if replaces:
            self._lifecycle.ensure_not_protected(olds.values, "replace")
            self._lifecycle.preview_create(args, ctx)
        else:
            self._lifecycle.preview_update(args, olds.values, difference.changed, ctx)
        resumes = bool(olds.unfinished) or self._lifecycle.is_incomplete(olds.values)
        return DiffResult(changes=bool(difference.changes or plan.replaces or resumes), replaces=replaces)

    @translate_errors
    def create(self, props: dict[str, Any]) -> CreateResult:
        given = host_values.read(props)
        session = shared_session(self._load)
        ctx = self._context(
            given,
            given.seconds("create", self.resource.timeouts.create),
            keys=None if given.import_id else session.keys(given.urn),
            null_entries=session.run.null_entries.get(given.urn),
        )
        if given.import_id:
            state, account = self._adopted(given.import_id, given.values, ctx)
            return CreateResult(
                given.import_id, host_values.write_state(state, given.values, given.program, account=account)
            )
        outcome = self._lifecycle.create(given.values, ctx)
        return CreateResult(outcome.id, _written(outcome, given))

    def _adopted(self, id_: str, args: Mapping[str, Any], ctx: Context[Any]) -> tuple[dict[str, Any], str | None]:
        """Return the state of an object that exists and is as the program says, and the account to record.

        Raises:
            ResourceError: There is no such object, or it differs from the program.
        """
        found = self._lifecycle.read(id_, {}, {}, ctx)
        if found is None:
            raise ResourceError(f"cannot import: there is no {self._name} {id_!r}")
        # An argument that the API never reports is as the program says.
        there = {**args, **{name: value for name, value in found.state.items() if value is not None}}
        differing = self._lifecycle.diff(state=there, old_inputs={}, news=args).changed
        if differing:
            names = ", ".join(f"`{name}`" for name in sorted(differing))
            raise ResourceError(f"cannot import {id_}: {names} differ from what is there; write them as they are")
        return there, found.account

    @translate_errors
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        olds, news = self._noted(_id, _olds), host_values.read(_news)
        args, ignored = self._applied(news, olds)
        changed = self._lifecycle.diff(state=olds.values, old_inputs=olds.inputs, news=args, ignore=ignored).changed
        ctx = self._context(news, news.seconds("update", self.resource.timeouts.update), account=olds.account)
        return UpdateResult(_written(self._lifecycle.update(_id, args, olds.values, changed, ctx), news))

    def _applied(self, news: HostProperties, olds: HostProperties) -> tuple[dict[str, Any], frozenset[str]]:
        """The new arguments as `ignore_changes` leaves them, and those that it names whole."""
        ignored = IgnoredPaths(news.ignored, self.resource.arguments)
        return ignored.apply(news.values, olds.values, olds.inputs), ignored.names

    @translate_errors
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        there = self._noted(id_, props)
        ctx = self._context(there, 300, account=there.account)
        found = self._lifecycle.read(id_, there.values, there.inputs, ctx)
        if found is None:
            return ReadResult("", {})
        result = ReadResult(
            found.id, host_values.write_state(found.state, found.inputs, there.program, account=found.account)
        )
        # Not by the constructor: older SDKs do not take it, and their hosts do not look.
        result.inputs = host_values.write(found.inputs, there.program)
        return result

    @translate_errors
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        there = self._noted(_id, _props)
        ctx = self._context(there, there.seconds("delete", self.resource.timeouts.delete), account=there.account)
        self._lifecycle.ensure_not_protected(there.values, "delete")
        shared_session(self._load).refuse_deletion(there.urn)
        self._lifecycle.delete(_id, there.values, ctx)

    @property
    def _lifecycle(self) -> Lifecycle:
        return shared_session(self._load).lifecycle(self._name)

    def _context(self, about: HostProperties, seconds: float, **facts: Any) -> Context[Any]:
        """Return the context of an operation. facts: as `make_context` takes them."""
        session = shared_session(self._load)
        session.set_stack(about.urn)
        return session.context(about.urn, seconds, **facts)

    def _noted(self, id_: str, props: Mapping[str, Any]) -> HostProperties:
        """The state of an object that the engine speaks of."""
        there = host_values.read(props)
        shared_session(self._load).note(there.urn, id_)
        return there


def _written(outcome: ApplyResult, given: HostProperties) -> dict[str, Any]:
    # An exception would lose the id of what exists by now: the program raises it instead (`resource.py`).
    return host_values.write_state(
        outcome.state, given.values, given.program, outcome.incomplete_reason, outcome.account
    )
