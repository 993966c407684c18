"""The dynamic provider of a resource: it serves the host's calls with the lifecycle."""

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
from resourcekit.fields import field_specs
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.planning.validate import null_entries
from resourcekit.pulumi.autonaming import validate_with_names
from resourcekit.pulumi.dynamic import host_values
from resourcekit.pulumi.dynamic.autonaming import autonaming_of
from resourcekit.pulumi.dynamic.errors import check_failures, format_failure, translate_errors
from resourcekit.pulumi.dynamic.host_values import HostProperties
from resourcekit.pulumi.dynamic.session import shared_session
from resourcekit.pulumi.numbers import rounded_numbers
from resourcekit.pulumi.property_path import IgnoredPaths
from resourcekit.resource import Resource
from resourcekit.results import ApplyResult

_PREVIEW_SECONDS = 120


class DynamicProvider(ResourceProvider):
    """The dynamic provider of one resource.

    Args:
        restore: A module's function that returns this provider by the resource's name. Pulumi pickles providers into
            the stack's state; of this one, the state contains only the import path of that function and the name.
        load: Return the package.
        name: The resource's declared name.
    """

    # The pickled provider contains no secret.
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
        """The vendor's package."""
        return self._load()

    @property
    def resource(self) -> Resource[Any, Any, Any]:
        """The resource's declaration."""
        return self._lifecycle.resource

    @translate_errors
    def configure(self, req: ConfigureRequest) -> None:
        """Take the settings from the stack's configuration."""
        shared_session(self._load).configure(req.config)

    @translate_errors
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate the arguments and, before a create, preview it at the API."""
        properties = host_values.read(news)
        run = shared_session(self._load).run
        run.checked.add(properties.urn)
        run.null_entries[properties.urn] = null_entries(self.resource.arguments, properties.values)
        olds = host_values.read(_olds or {}).values
        checked = validate_with_names(
            self.resource, properties.values, olds or self._imported_names(properties), autonaming_of(properties)
        )
        rounded = rounded_numbers(self.resource.arguments, properties.values, olds)
        failures = (*checked.failures, *rounded)
        if not failures and not _olds and not properties.import_id:
            # The host has no preview of a create, so the preview is here.
            try:
                self._lifecycle.preview_create(checked.values, self._context(properties, _PREVIEW_SECONDS))
            except ResourceError as error:
                failures = check_failures(error)
        # Failures have no property: the engine would print its value, and the host does not say which are secret.
        texts = [CheckFailure("", format_failure(failure)) for failure in failures]
        return CheckResult(host_values.write(checked.values, properties.program), texts)

    def _imported_names(self, properties: HostProperties) -> dict[str, Any]:
        """Return the arguments of the object to import, if the program leaves its name out."""
        names = (name for name, spec in field_specs(self.resource.arguments).items() if spec.auto_named)
        if not properties.import_id or all(properties.values.get(name) is not None for name in names):
            return {}
        result = self._lifecycle.read(properties.import_id, {}, {}, self._context(properties, _PREVIEW_SECONDS))
        return {} if result is None else result.inputs

    @translate_errors
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the arguments with the state, and preview the change at the API."""
        olds, news = self._read_state(_id, _olds), host_values.read(_news)
        shared_session(self._load).run.diffed[olds.urn] = _id
        ctx = self._context(news, _PREVIEW_SECONDS, account=olds.account)
        args, ignored = self._apply_ignored(news, olds)
        difference = self._lifecycle.diff(state=olds.values, old_inputs=olds.inputs, news=args, ignore=ignored, ctx=ctx)
        plan = self._lifecycle.plan_changes(_id, difference, args=args, state=olds.values, ctx=ctx, ignore=ignored)
        changes = {each.name for each in difference.changes if each.replaces or news.replaces(each.path)}
        replaces = sorted(changes.union(plan.replacement_triggers))
        # The host has no preview of an update either.
        if replaces:
            self._lifecycle.ensure_not_protected(olds.values, "replace")
            self._lifecycle.preview_create(args, ctx)
        else:
            self._lifecycle.preview_update(args, olds.values, difference.changed, ctx)
        resumes = bool(olds.unfinished) or self._lifecycle.is_incomplete(olds.values)
        return DiffResult(changes=bool(difference.changes or plan.replaces or resumes), replaces=replaces)

    @translate_errors
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create an object, or import an existing one."""
        properties = host_values.read(props)
        session = shared_session(self._load)
        ctx = self._context(
            properties,
            properties.seconds("create", self.resource.timeouts.create),
            idempotency_keys=None if properties.import_id else session.idempotency_keys(properties.urn),
            null_entries=session.run.null_entries.get(properties.urn),
        )
        if properties.import_id:
            state, account = self._import(properties.import_id, properties.values, ctx)
            outputs = self._write_state(state, properties.values, properties.program, account=account)
            return CreateResult(properties.import_id, outputs)
        result = self._lifecycle.create(properties.values, ctx)
        return CreateResult(result.id, self._write_result(result, properties))

    def _import(self, id_: str, args: Mapping[str, Any], ctx: Context[Any]) -> tuple[dict[str, Any], str | None]:
        """Return the state of an existing object that equals the program's arguments, and the account to record.

        Raises:
            ResourceError: There is no such object, or it differs from the program.
        """
        result = self._lifecycle.read(id_, {}, {}, ctx)
        if result is None:
            raise ResourceError(f"cannot import: there is no {self._name} {id_!r}")
        # For an argument that the API never reports, the program's value is taken.
        state = {**args, **{name: value for name, value in result.state.items() if value is not None}}
        differing = self._lifecycle.diff(state=state, old_inputs={}, news=args).changed
        if differing:
            names = ", ".join(f"`{name}`" for name in sorted(differing))
            raise ResourceError(
                f"cannot import {id_}: {names} differ between the program and the object. Change the program to the "
                "object's values, import, and then change them"
            )
        return state, result.account

    @translate_errors
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Update an object in place."""
        olds, news = self._read_state(_id, _olds), host_values.read(_news)
        args, ignored = self._apply_ignored(news, olds)
        changed = self._lifecycle.diff(state=olds.values, old_inputs=olds.inputs, news=args, ignore=ignored).changed
        ctx = self._context(news, news.seconds("update", self.resource.timeouts.update), account=olds.account)
        return UpdateResult(self._write_result(self._lifecycle.update(_id, args, olds.values, changed, ctx), news))

    def _apply_ignored(self, news: HostProperties, olds: HostProperties) -> tuple[dict[str, Any], frozenset[str]]:
        """Return the new arguments after `ignore_changes`, and the arguments that it ignores as a whole."""
        ignored = IgnoredPaths(news.ignored, self.resource.arguments)
        return ignored.apply(news.values, olds.values, olds.inputs), ignored.names

    @translate_errors
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read an object, for a refresh."""
        state = self._read_state(id_, props)
        ctx = self._context(state, state.seconds("read", self.resource.timeouts.read), account=state.account)
        current = self._lifecycle.read(id_, state.values, state.inputs, ctx)
        if current is None:
            return ReadResult("", {})
        outputs = self._write_state(current.state, current.inputs, state.program, account=current.account)
        result = ReadResult(current.id, outputs)
        # Older SDKs do not accept `inputs` in the constructor, and their hosts ignore it.
        result.inputs = host_values.write(current.inputs, state.program)
        return result

    @translate_errors
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete an object unless it is protected."""
        state = self._read_state(_id, _props)
        ctx = self._context(state, state.seconds("delete", self.resource.timeouts.delete), account=state.account)
        self._lifecycle.ensure_not_protected(state.values, "delete")
        shared_session(self._load).check_delete(state.urn)
        self._lifecycle.delete(_id, state.values, ctx)

    @property
    def _lifecycle(self) -> Lifecycle:
        return shared_session(self._load).lifecycle(self._name)

    def _context(self, properties: HostProperties, seconds: float, **options: Any) -> Context[Any]:
        """Return the context of an operation, with further options of `make_context`."""
        session = shared_session(self._load)
        session.set_stack(properties.urn)
        return session.context(properties.urn, seconds, **options)

    def _read_state(self, id_: str, props: Mapping[str, Any]) -> HostProperties:
        """Convert a state, and record that the stack owns the object."""
        state = host_values.read_state(self.resource, props)
        shared_session(self._load).record_seen(state.urn, id_)
        return state

    def _write_result(self, result: ApplyResult, properties: HostProperties) -> dict[str, Any]:
        # An exception would lose the id of an incomplete object, so the program raises it instead (`resource.py`).
        return self._write_state(
            result.state, properties.values, properties.program, result.incomplete_reason, result.account
        )

    def _write_state(
        self,
        state: Mapping[str, Any],
        inputs: Mapping[str, Any],
        program: Mapping[str, Any],
        unfinished: str = "",
        account: str | None = None,
    ) -> dict[str, Any]:
        version = self.resource.schema_version
        return host_values.write_state(state, inputs, program, unfinished, account, version)
