"""The lifecycle that every resource implements, and the functions beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from resourcekit.context import Context
from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, Result
from resourcekit.unknown import UNKNOWN

ArgsT = TypeVar("ArgsT", bound=Arguments)
StateT = TypeVar("StateT", bound=Result)
ResultT = TypeVar("ResultT", bound=Result)
ApiT = TypeVar("ApiT")


@dataclass(frozen=True)
class RequiredScopes:
    """What the vendor must have allowed: to read objects of a kind, and, beside that, to make and change them."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timeouts:
    """Default seconds that an operation may take; the user's own timeouts replace them."""

    create: float = 600
    update: float = 600
    delete: float = 300


class Resource(Generic[ArgsT, StateT, ApiT]):
    """A kind of object at the API. Methods only ever see typed, fully known models.

    The class's docstring is its documentation in every engine. All methods may raise `ResourceError`; any other
    exception is explained by the package (`Package.to_resource_error`).
    """

    name: ClassVar[str]
    arguments: type[ArgsT]
    state: type[StateT]
    timeouts: ClassVar[Timeouts] = Timeouts()
    import_id: ClassVar[str] = "its id"
    scopes: ClassVar[RequiredScopes] = RequiredScopes()
    # Whether `review` gives values: they belong into every plan, so it is asked for each.
    preview_sets_values: ClassVar[bool] = False
    # Of the state as engines keep it; `upgrade` reads the older ones.
    schema_version: ClassVar[int] = 0
    # The part of the object's URL before its id, which is the last one: what a generic REST provider kept can then be
    # taken over. Empty: the URL does not tell the id.
    url_collection: ClassVar[str] = ""

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Rules across arguments, over values that may be UNKNOWN or absent. Pure."""
        del args
        return ()

    def preview(
        self, args: Mapping[str, Any], prior: StateT | None, changed: frozenset[str], ctx: Context[ApiT]
    ) -> Mapping[str, Any] | None:
        """Ask the API, while previewing, whether the change would work; report through `ctx` or raise.

        args: the planned arguments, possibly UNKNOWN; prior: None for a create; changed: names, empty for a create.
        Returns the state fields whose values this foretells with certainty.
        """
        return None

    def preview_replacement(self, args: Mapping[str, Any], prior: StateT, ctx: Context[ApiT]) -> None:
        """Report, while previewing, what of the old object may keep the new one from being made beside it.

        Engines may make the new object before they delete the old one, and do not say whether they will.

        Args:
            args: The arguments of the new object, possibly UNKNOWN.
            prior: The state of the old one.
            ctx: Where to report.
        """
        del args, prior, ctx

    def replacement_triggers(self, prior: StateT, args: Mapping[str, Any], ctx: Context[ApiT]) -> Iterable[str]:
        """Names of state fields that must be made anew although no argument changed (a tracked version)."""
        del prior, args, ctx
        return ()

    def normalize_id(self, id: str) -> str:
        """The id in the API's own spelling, for one that a person wrote. Raises ResourceError for what is none."""
        return id

    def allow_create_only_change(self, name: str, value: Any, ctx: Context[ApiT]) -> str | None:
        """Why a create-only argument may change, in words: what its value named is gone, so no program can keep it.

        The change is then only recorded. None: the change is refused.
        """
        del name, value, ctx
        return None

    def reported(self, name: str, prior: StateT, ctx: Context[ApiT]) -> Any:
        """Return the value of an argument that the engine's state leaves out because it was given write-only.

        UNKNOWN where the API does not report it.
        """
        del name, prior, ctx
        return UNKNOWN

    def create(self, args: ArgsT, ctx: Context[ApiT]) -> tuple[str, StateT]:
        """Make the object; `ctx.checkpoint` as soon as its id is known. Returns (id, state)."""
        raise NotImplementedError

    def read(self, id: str, prior: StateT | None, ctx: Context[ApiT]) -> StateT | None:
        """What is there now; None when it is gone. `prior` is None on import."""
        raise NotImplementedError

    def update(self, id: str, args: ArgsT, prior: StateT, changed: frozenset[str], ctx: Context[ApiT]) -> StateT:
        """Make `changed` so in place. Called with nothing changed to resume an unfinished create."""
        raise NotImplementedError

    def delete(self, id: str, prior: StateT, ctx: Context[ApiT]) -> None:
        """Remove the object; one that is gone already is a success."""
        raise NotImplementedError

    def is_incomplete(self, prior: StateT) -> bool:
        """Whether an earlier run made the object and gave up waiting, so that `update` has to wait on."""
        del prior
        return False

    @property
    def depends_on_other_resources(self) -> bool:
        """Whether an object may have to be made anew because others change."""
        return type(self).replacement_triggers is not Resource.replacement_triggers

    @property
    def supports_list(self) -> bool:
        """Whether the API can list objects of this kind."""
        return type(self).list is not Resource.list

    def list(self, ctx: Context[ApiT]) -> Iterable[tuple[str, str, StateT]]:
        """Every object of this kind at the API as (id, name for people, state)."""
        raise NotImplementedError

    def upgrade_state(self, version: int, state: dict[str, Any]) -> dict[str, Any]:
        """A state that an older release wrote under `version`, in today's form. Names that are gone are ignored."""
        del version
        return state

    def deletion_blocked_reason(self, prior: StateT) -> str | None:
        """Why this object must be neither deleted nor replaced, in words; None when it may be."""
        del prior
        return None


class DataSource(Generic[ArgsT, ResultT, ApiT]):
    """A question to the API, or an action that the user asks for. The docstring is its documentation."""

    name: ClassVar[str]
    arguments: type[ArgsT]
    result: type[ResultT]

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Rules across arguments, over values that may be UNKNOWN or absent. Pure."""
        del args
        return ()

    def call(self, args: ArgsT, ctx: Context[ApiT]) -> ResultT:
        """The answer. May raise as `Resource` methods do."""
        raise NotImplementedError


class ProviderFunction(Generic[ArgsT]):
    """A pure function: the fields of `arguments`, in their order, to a value. Needs no API and no settings."""

    name: ClassVar[str]
    arguments: type[ArgsT]
    result: Any

    def call(self, args: ArgsT) -> Any:
        """The value. Raises ResourceError."""
        raise NotImplementedError


def dump_state(state: BaseModel) -> dict[str, Any]:
    """A state as plain values, unset entries kept as None."""
    return state.model_dump(mode="json")
