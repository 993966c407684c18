"""The lifecycle of a resource, the same for every engine.

Resources contain only what the API needs. What all resources share is implemented here once: checkpoints, error
texts, deletion protection, resuming. The engines' adapters convert wire values to the plain values used here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from resourcekit.context import Context
from resourcekit.error_texts import reason_of, translate_errors
from resourcekit.errors import CancelledError, CheckError, CheckFailure, ResourceError
from resourcekit.fields import field_specs
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.package import Package
from resourcekit.planning.diff import Diff, diff
from resourcekit.planning.plan import inputs_from_state, plan_create, plan_update
from resourcekit.resource import Resource
from resourcekit.results import ApplyResult, ChangePlan, ListItem, ReadResult, Values
from resourcekit.state import dump_state, read_state, values_with_unreported
from resourcekit.unknown import UNKNOWN

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lifecycle:
    """The operations of one resource of one package."""

    package: Package[Any]
    resource: Resource[Any, Any, Any]

    def diff(
        self,
        *,
        state: Mapping[str, Any],
        old_inputs: Mapping[str, Any],
        news: Mapping[str, Any],
        ignore: Set[str] = frozenset(),
        ctx: Context[Any] | None = None,
    ) -> Diff:
        """Compare the program's arguments with the state.

        With `ctx`, the resource may call the API to decide whether to accept an otherwise rejected change.

        Raises:
            CheckError: A create-only argument changed.
        """

        def compare(recorded: Iterable[str] = ()) -> Diff:
            model = self.resource.arguments
            return diff(model, state=state, old_inputs=old_inputs, news=news, ignore=ignore, recorded=recorded)

        difference = compare()
        if difference.errors and ctx is not None:
            current = {**old_inputs, **{name: value for name, value in state.items() if value is not None}}
            accepted = self._accepted_changes([failure.property for failure in difference.errors], current, ctx)
            difference = replace(
                compare(accepted), warnings=tuple(CheckFailure(name, reason) for name, reason in accepted.items())
            )
        if difference.errors:
            raise CheckError(difference.errors)
        return difference

    def _accepted_changes(self, names: Iterable[str], current: Mapping[str, Any], ctx: Context[Any]) -> dict[str, str]:
        """Return the reason to accept the change of each of these create-only arguments that may change."""

        def accept(name: str) -> str | None:
            reason: str | None = self._translate_errors(
                lambda: self.resource.allow_create_only_change(name, current.get(name), ctx)
            )
            return reason

        return {name: reason for name in names if (reason := accept(name))}

    def ensure_not_protected(self, state: Mapping[str, Any], doing: str) -> None:
        """Check that the object may be deleted.

        `doing` is "delete" or "replace".

        Raises:
            ResourceError: The object is protected.
        """
        reason = self.deletion_blocked_reason(state)
        if reason:
            raise ResourceError(f"cannot {doing}: {reason}")

    def deletion_blocked_reason(self, state: Mapping[str, Any]) -> str | None:
        """Return why the object must not be deleted, or None if it may be."""
        return self.resource.deletion_blocked_reason(read_state(self.resource, state))

    def hypothetical_state(self, args: Mapping[str, Any]) -> Values:
        """Return the state of an object with these arguments, without the values that the API sets."""
        return {**dict.fromkeys(field_specs(self.resource.state)), **args}

    def replacement_triggers(self, state: Mapping[str, Any], args: Mapping[str, Any], ctx: Context[Any]) -> list[str]:
        """Return the state fields that require a new object although no argument changed."""
        prior = read_state(self.resource, state)
        triggers: list[str] = self._translate_errors(
            lambda: [*self.resource.replacement_triggers(prior, args, ctx)],
        )
        return triggers

    def reported(self, name: str, state: Mapping[str, Any], ctx: Context[Any] | None) -> Any:
        """Return the API's value of an argument that the state does not contain; UNKNOWN if the API does not report it.

        `ctx` is None if the API cannot be reached.
        """
        return (
            UNKNOWN
            if ctx is None
            else self._translate_errors(lambda: self.resource.reported(name, read_state(self.resource, state), ctx))
        )

    def plan_changes(
        self,
        id: str,
        difference: Diff,
        *,
        args: Mapping[str, Any],
        state: Mapping[str, Any],
        ctx: Context[Any] | None,
        ignore: Collection[str] = (),
        review: bool = True,
    ) -> ChangePlan:
        """Decide whether a change is an update or a replacement; the same decision for every engine.

        Args:
            id: The object's id.
            difference: The result of `diff`.
            args: The arguments of the program.
            state: The object's state.
            ctx: For warnings and for calls to the API; None if the API cannot be reached.
            ignore: The arguments whose changes the engine ignores.
            review: Whether to report what may prevent the creation of the new object beside the old one.

        Raises:
            ResourceError: A protected object would be replaced, or a request to the API failed.
        """
        triggers: tuple[str, ...] = ()
        if ctx is not None:
            for warning in difference.warnings:
                ctx.warn(warning.reason, attribute=warning.property)
            if not difference.replaces:
                triggers = tuple(name for name in self.replacement_triggers(state, args, ctx) if name not in ignore)
        plan = ChangePlan(difference, triggers)
        if plan.replaces:
            self.ensure_not_protected(state, "replace")
            self.preview_replacement(id, args, state, ctx if review else None)
        return plan

    def preview_replacement(
        self, id: str, args: Mapping[str, Any], state: Mapping[str, Any], ctx: Context[Any] | None
    ) -> None:
        """Report what may prevent the creation of the new object beside the old one.

        Without `ctx`, the API cannot be reached, and nothing is checked.

        Raises:
            ResourceError: The API key belongs to another account, so the old object could not be deleted.
        """
        if ctx is None:
            return
        prior = read_state(self.resource, state)
        if ctx.account is not None and self._account(ctx) not in (None, ctx.account):
            self._translate_errors(lambda: self.resource.read(id, prior, ctx))
        self._translate_errors(lambda: self.resource.preview_replacement(args, prior, ctx))

    def preview_create(self, args: Mapping[str, Any], ctx: Context[Any] | None) -> Values:
        """Return the planned state of a create. With a context, the resource previews it at the API."""
        predicted = None
        if ctx is not None:
            predicted = self._translate_errors(lambda: self.resource.preview(args, None, frozenset(), ctx))
        return {**plan_create(self.resource, args), **(predicted or {})}

    def preview_update(
        self,
        args: Mapping[str, Any],
        state: Mapping[str, Any],
        changed: frozenset[str],
        ctx: Context[Any] | None,
    ) -> Values:
        """Return the planned state of an update. With a context, the resource previews it at the API."""
        predicted = None
        if ctx is not None and changed:
            predicted = self._translate_errors(
                lambda: self.resource.preview(args, read_state(self.resource, state), changed, ctx)
            )
        return {**plan_update(self.resource, args, state, changed), **(predicted or {})}

    def is_incomplete(self, state: Mapping[str, Any]) -> bool:
        """Return whether an update must first wait for the object that an earlier run created."""
        return self.resource.is_incomplete(read_state(self.resource, state))

    def create(self, args: Mapping[str, Any], ctx: Context[Any]) -> ApplyResult:
        """Create the object. A failure after the checkpoint is an incomplete result, not an exception."""
        typed = self.resource.arguments.model_validate(args)
        # Before the create call: after it, no other call may fail before the engine has the id.
        account = self._account(ctx)

        def run() -> tuple[str, BaseModel]:
            created: tuple[str, BaseModel] = self.resource.create(typed, ctx)
            return created

        return self._checkpointed(run, args, ctx, account)

    def update(
        self,
        id: str,
        args: Mapping[str, Any],
        state: Mapping[str, Any],
        changed: frozenset[str],
        ctx: Context[Any],
    ) -> ApplyResult:
        """Update the object in place, or resume a create that did not complete."""
        typed = self.resource.arguments.model_validate(args)
        prior, account = read_state(self.resource, state), ctx.account or self._account(ctx)

        def run() -> tuple[str, BaseModel]:
            return id, self.resource.update(id, typed, prior, changed, ctx)

        return self._checkpointed(run, args, ctx, account)

    def read(
        self, id: str, state: Mapping[str, Any], inputs: Mapping[str, Any], ctx: Context[Any]
    ) -> ReadResult | None:
        """Return the object as it is at the API, or None if it is gone. Without a state the read is an import."""
        imported = not state
        api_id = self.resource.normalize_id(id) if imported else id
        prior = None if imported else read_state(self.resource, state)
        current = self._translate_errors(lambda: self.resource.read(api_id, prior, ctx))
        if current is None:
            return None
        # A resource that returns the prior state itself has made no call, which proves nothing about the account.
        account = ctx.account
        if current is not prior:
            if not imported:
                ctx.ownership.found.add(self.resource.name)
            account = account or self._account(ctx)
        values = values_with_unreported(self.resource, current, state)
        inputs = inputs_from_state(self.resource, inputs, current, imported=imported)
        return ReadResult(api_id, values, inputs, account)

    def delete(self, id: str, state: Mapping[str, Any], ctx: Context[Any]) -> None:
        """Delete the object unless it is protected."""
        self.ensure_not_protected(state, "delete")
        prior = read_state(self.resource, state)
        self._translate_errors(lambda: self.resource.delete(id, prior, ctx))

    def list(self, ctx: Context[Any], query: ListQuery = EVERYTHING) -> Iterator[ListItem]:
        """Yield every object of this resource, if it supports listing (`Resource.supports_list`)."""
        objects = iter(self._translate_errors(lambda: self.resource.list(ctx, query)))
        while True:
            listed = self._translate_errors(lambda: next(objects, None))
            if listed is None:
                return
            id_, label, state = listed
            yield ListItem(id_, label, dump_state(state))

    def _checkpointed(
        self, run: Callable[[], tuple[str, BaseModel]], args: Mapping[str, Any], ctx: Context[Any], account: str | None
    ) -> ApplyResult:
        try:
            id_, state = self._translate_errors(run)
            return ApplyResult(id_, values_with_unreported(self.resource, state, args), account=account)
        except Exception as error:
            if ctx.checkpointed is None:
                raise
            values = values_with_unreported(self.resource, ctx.checkpointed.state, args)
            is_cancelled = isinstance(error, CancelledError)
            return ApplyResult(ctx.checkpointed.id, values, reason_of(error), cancelled=is_cancelled, account=account)

    def _account(self, ctx: Context[Any]) -> str | None:
        """Return the account to record in the state, or None if it cannot be determined, which is no error."""
        try:
            return self.package.account(ctx.api)
        except Exception as error:
            log.debug("the account is not recorded: %s", type(error).__name__)
            return None

    def _translate_errors(self, run: Callable[[], Any]) -> Any:
        return translate_errors(self.package, run)
