"""One lifecycle for every engine: typed models in, checkpointed outcomes out.

Resources hold API facts only; what all of them need (an id kept when the rest fails, errors explained, protection,
resuming) is done here once. Adapters turn wire values into the plain values used here, and outcomes into their replies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from resourcekit.context import Context
from resourcekit.error_texts import reason_of, translate_errors
from resourcekit.errors import CancelledError, CheckError, CheckFailure, ResourceError
from resourcekit.fields import Result, field_specs
from resourcekit.package import Package
from resourcekit.planning.diff import Diff, diff
from resourcekit.planning.plan import inputs_from_state, plan_create, plan_update
from resourcekit.resource import Resource, dump_state
from resourcekit.results import ApplyResult, ChangePlan, ListItem, ReadResult, Values
from resourcekit.unknown import UNKNOWN, drop_unknowns

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
        """The diff; raises ResourceError where a change is refused (create-only).

        ctx: to ask the API, in the rare case, whether a change that would be refused is borne after all.
        """

        def compare(recorded: Iterable[str] = ()) -> Diff:
            model = self.resource.arguments
            return diff(model, state=state, old_inputs=old_inputs, news=news, ignore=ignore, recorded=recorded)

        found = compare()
        if found.errors and ctx is not None:
            there = {**old_inputs, **{name: value for name, value in state.items() if value is not None}}
            borne = self._accepted_changes([failure.property for failure in found.errors], there, ctx)
            found = replace(
                compare(borne), warnings=tuple(CheckFailure(name, reason) for name, reason in borne.items())
            )
        if found.errors:
            raise CheckError(found.errors)
        return found

    def _accepted_changes(self, names: Iterable[str], there: Mapping[str, Any], ctx: Context[Any]) -> dict[str, str]:
        """Why changes of these create-only arguments are borne; those that are not are left out."""

        def ask(name: str) -> str | None:
            reason: str | None = self._translate_errors(
                lambda: self.resource.allow_create_only_change(name, there.get(name), ctx)
            )
            return reason

        return {name: reason for name in names if (reason := ask(name))}

    def ensure_not_protected(self, state: Mapping[str, Any], doing: str) -> None:
        """Raise when the object must stay. doing: "delete" or "replace", for the message."""
        reason = self.deletion_blocked_reason(state)
        if reason:
            raise ResourceError(f"cannot {doing}: {reason}")

    def deletion_blocked_reason(self, state: Mapping[str, Any]) -> str | None:
        """Why the object must stay, in words; None when it need not."""
        return self.resource.deletion_blocked_reason(self._state(state))

    def hypothetical_state(self, args: Mapping[str, Any]) -> Values:
        """The state of an object that these arguments would make, without what the API adds."""
        return {**dict.fromkeys(field_specs(self.resource.state)), **args}

    def replacement_triggers(self, state: Mapping[str, Any], args: Mapping[str, Any], ctx: Context[Any]) -> list[str]:
        """State fields that need a new object although no argument changed."""
        return list(
            self._translate_errors(lambda: list(self.resource.replacement_triggers(self._state(state), args, ctx)))
        )

    def reported(self, name: str, state: Mapping[str, Any], ctx: Context[Any] | None) -> Any:
        """Return what the API says of an argument that the state leaves out; UNKNOWN where it does not say.

        ctx: None while the API cannot be asked.
        """
        return (
            UNKNOWN
            if ctx is None
            else self._translate_errors(lambda: self.resource.reported(name, self._state(state), ctx))
        )

    def plan_changes(
        self,
        id: str,
        difference: Diff,
        *,
        args: Mapping[str, Any],
        state: Mapping[str, Any],
        ctx: Context[Any] | None,
        review: bool = True,
    ) -> ChangePlan:
        """Decide whether a change is made in place or by a new object; the same decision for every engine.

        Args:
            id: The object's.
            difference: What differs (`difference`).
            args: The arguments of the program.
            state: The object's state.
            ctx: To warn, and to ask the API what needs a new object; None while the API cannot be reached.
            review: Whether to report what may keep a new object from being made beside the old one.

        Raises:
            ResourceError: A protected object would be replaced, or the API refused a request.
        """
        triggers: tuple[str, ...] = ()
        if ctx is not None:
            for note in difference.warnings:
                ctx.warn(note.reason, attribute=note.property)
            if not difference.replaces:
                triggers = tuple(self.replacement_triggers(state, args, ctx))
        plan = ChangePlan(difference, triggers)
        if plan.replaces:
            self.ensure_not_protected(state, "replace")
            self.preview_replacement(id, args, state, ctx if review else None)
        return plan

    def preview_replacement(
        self, id: str, args: Mapping[str, Any], state: Mapping[str, Any], ctx: Context[Any] | None
    ) -> None:
        """Report what may keep a new object from being made beside the old one, where the API can be asked.

        Raises:
            ResourceError: The key is of another account, so that the old object could not be deleted.
        """
        if ctx is None:
            return
        prior = self._state(state)
        if ctx.account is not None and self._account(ctx) not in (None, ctx.account):
            self._translate_errors(lambda: self.resource.read(id, prior, ctx))
        self._translate_errors(lambda: self.resource.preview_replacement(args, prior, ctx))

    def preview_create(self, args: Mapping[str, Any], ctx: Context[Any] | None) -> Values:
        """The planned state; with a connection the API is asked too."""
        foretold = None
        if ctx is not None:
            foretold = self._translate_errors(lambda: self.resource.preview(args, None, frozenset(), ctx))
        return {**plan_create(self.resource, args), **(foretold or {})}

    def preview_update(
        self,
        args: Mapping[str, Any],
        state: Mapping[str, Any],
        changed: frozenset[str],
        ctx: Context[Any] | None,
    ) -> Values:
        """The planned state; with a connection the API is asked too."""
        foretold = None
        if ctx is not None and changed:
            foretold = self._translate_errors(lambda: self.resource.preview(args, self._state(state), changed, ctx))
        return {**plan_update(self.resource, args, state, changed), **(foretold or {})}

    def is_incomplete(self, state: Mapping[str, Any]) -> bool:
        """Whether an update has to wait for what an earlier run made."""
        return self.resource.is_incomplete(self._state(state))

    def create(self, args: Mapping[str, Any], ctx: Context[Any]) -> ApplyResult:
        """Make the object. A failure after its id is known is an unfinished outcome, not an exception."""
        typed = self.resource.arguments.model_validate(args)
        # Before: once the object is there, nothing should come between it and the engine.
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
        """Change the object in place, or resume what an earlier run left unfinished."""
        typed = self.resource.arguments.model_validate(args)
        prior, account = self._state(state), ctx.account or self._account(ctx)

        def run() -> tuple[str, BaseModel]:
            return id, self.resource.update(id, typed, prior, changed, ctx)

        return self._checkpointed(run, args, ctx, account)

    def read(
        self,
        id: str,
        state: Mapping[str, Any],
        inputs: Mapping[str, Any],
        ctx: Context[Any],
    ) -> ReadResult | None:
        """What is there; None when it is gone. Without prior state it is an import."""
        imported = not state
        own = self.resource.normalize_id(id) if imported else id
        prior = None if imported else self._state(state)
        found = self._translate_errors(lambda: self.resource.read(own, prior, ctx))
        if found is None:
            return None
        # What a resource hands back as it was came of no call, which proves nothing of the account.
        account = ctx.account
        if found is not prior:
            if not imported:
                ctx.ownership.found.add(self.resource.name)
            account = account or self._account(ctx)
        kept = self._with_unreported(found, state)
        return ReadResult(own, kept, inputs_from_state(self.resource, inputs, found, imported=imported), account)

    def delete(self, id: str, state: Mapping[str, Any], ctx: Context[Any]) -> None:
        """Remove the object unless it is protected."""
        self.ensure_not_protected(state, "delete")
        prior = self._state(state)
        self._translate_errors(lambda: self.resource.delete(id, prior, ctx))

    def list(self, ctx: Context[Any]) -> Iterator[ListItem]:
        """Every object of this kind, of a resource that is `listable`."""
        objects = iter(self._translate_errors(lambda: self.resource.list(ctx)))
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
            return ApplyResult(id_, self._with_unreported(state, args), account=account)
        except Exception as error:
            if ctx.checkpointed is None:
                raise
            kept = self._with_unreported(ctx.checkpointed.state, args)
            is_cancelled = isinstance(error, CancelledError)
            return ApplyResult(ctx.checkpointed.id, kept, reason_of(error), cancelled=is_cancelled, account=account)

    def _account(self, ctx: Context[Any]) -> str | None:
        """The account to record, for later runs; None where it cannot be found out now, which stops nothing."""
        try:
            return self.package.account(ctx.api)
        except Exception as error:
            log.debug("the account is not recorded: %s", type(error).__name__)
            return None

    def _with_unreported(self, state: BaseModel, source: Mapping[str, Any]) -> Values:
        """The state as plain values; what the API never reports is taken from `source`."""
        values = dump_state(state)
        for name, facts in field_specs(self.resource.arguments).items():
            if (facts.provider_only or facts.create_only) and values.get(name) is None:
                values[name] = source.get(name)
        return values

    def _state(self, state: Mapping[str, Any]) -> Result:
        # A state written by an older release may lack a field or hold one of another type: what can be read is read.
        model: type[Result] = self.resource.state
        try:
            return model.model_validate(drop_unknowns(state))
        except ValidationError:
            return model.model_construct(**drop_unknowns(state))

    def _translate_errors(self, run: Callable[[], Any]) -> Any:
        return translate_errors(self.package, run)
