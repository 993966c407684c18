"""The base classes of declarations: resources, data sources and provider functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from resourcekit.context import Context
from resourcekit.declaration import HasModels, RequiredScopes, Timeouts
from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, Result
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.unknown import UNKNOWN

ArgsT = TypeVar("ArgsT", bound=Arguments)
StateT = TypeVar("StateT", bound=Result)
ResultT = TypeVar("ResultT", bound=Result)
ApiT = TypeVar("ApiT")


class Resource(HasModels, Generic[ArgsT, StateT, ApiT]):
    """A type of object at the API. The subclass's docstring is its documentation in every engine.

    `create`, `read`, `update` and `delete` receive typed models without unknown values. All methods may raise
    `ResourceError`; the package translates every other exception (`Package.to_resource_error`).

    Attributes:
        name: The name in camel case, such as "Key": `package:index:Key` in Pulumi, `package_key` in Terraform.
        arguments: The model of the arguments, the first type parameter.
        state: The model of the state, the second one.
        timeouts: The default time-outs.
        import_id: The id of an import, as a phrase for the documentation.
        scopes: The scopes that an API key needs.
        preview_sets_values: Whether `preview` returns values. If so, it is called for every plan.
        schema_version: The version of the state's schema. `upgrade_state` reads older versions; newer ones are refused.
        list_filters: The state fields by which a list can be filtered.
        cannot_delete: Why the API cannot delete an object; a delete then removes it from the state only, and says so.
        url_collection: The part of the object's URL before its id, which is the last part. States of a generic REST
            provider can then be taken over. Empty: the URL does not contain the id.

    Example:
        A resource whose API has a create and a delete call, and objects that never change::

            class KeyArgs(Arguments):
                name: Annotated[str, RequiresReplace()] = Field(description="The key's name.")

            class KeyState(Result):
                name: str = Field(description="The key's name.")
                secret: Annotated[str | None, Computed(), Secret()] = Field(None, description="The key.")

            class Key(Resource[KeyArgs, KeyState, Client]):
                "A key."

                name = "Key"

                def create(self, args: KeyArgs, ctx: Context[Client]) -> tuple[str, KeyState]:
                    id_ = ctx.api.create_key(args.name, ctx.idempotency_keys.create_key(0))
                    ctx.checkpoint(id_, KeyState(name=args.name))
                    return id_, KeyState(name=args.name, secret=ctx.api.secret_of(id_))

                def read(self, id: str, prior: KeyState | None, ctx: Context[Client]) -> KeyState | None:
                    name = ctx.api.name_of(id)
                    return None if name is None else KeyState(name=name, secret=ctx.api.secret_of(id))

                def delete(self, id: str, prior: KeyState, ctx: Context[Client]) -> None:
                    ctx.api.delete_key(id)
    """

    MODELS = ("arguments", "state")

    name: ClassVar[str]
    arguments: type[ArgsT]
    state: type[StateT]
    timeouts: ClassVar[Timeouts] = Timeouts()
    import_id: ClassVar[str] = "its id"
    scopes: ClassVar[RequiredScopes] = RequiredScopes()
    preview_sets_values: ClassVar[bool] = False
    schema_version: ClassVar[int] = 0
    list_filters: ClassVar[tuple[str, ...]] = ()
    cannot_delete: ClassVar[str] = ""
    url_collection: ClassVar[str] = ""

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Check rules across arguments, over values that may be UNKNOWN or absent. Pure."""
        del args
        return ()

    def preview(
        self, args: Mapping[str, Any], prior: StateT | None, changed: frozenset[str], ctx: Context[ApiT]
    ) -> Mapping[str, Any] | None:
        """Check at the API, for a plan, whether the change would work. Warn through `ctx`, or raise.

        Args:
            args: The planned arguments, possibly UNKNOWN.
            prior: The state; None for a create.
            changed: The names of the arguments that change; empty for a create.
            ctx: The context of the plan.

        Returns:
            The state fields whose values after the change are certain.
        """
        return None

    def preview_replacement(self, args: Mapping[str, Any], prior: StateT, ctx: Context[ApiT]) -> None:
        """Report, for a plan, what may prevent the creation of the new object beside the old one.

        Engines may create the new object before they delete the old one, and do not announce the order. The arguments
        of the new object may be UNKNOWN.
        """
        del args, prior, ctx

    def replacement_triggers(self, prior: StateT, args: Mapping[str, Any], ctx: Context[ApiT]) -> Iterable[str]:
        """Return the state fields that require a new object although no argument changed, such as a tracked version."""
        del prior, args, ctx
        return ()

    def normalize_id(self, id: str) -> str:
        """Return the API's spelling of an id that a user wrote.

        Raises:
            ResourceError: The text is no id.
        """
        return id

    def allow_create_only_change(self, name: str, value: Any, ctx: Context[ApiT]) -> str | None:
        """Return a reason to accept a change to a create-only argument, or None to reject it.

        Use it if the old value refers to an object that no longer exists. The new value is stored but has no effect.
        """
        del name, value, ctx
        return None

    @property
    def noun(self) -> str:
        """The object in messages, such as "compute instance"."""
        return re.sub(r"\B(?=[A-Z])", " ", self.name).lower()

    def reported(self, name: str, prior: StateT, ctx: Context[ApiT]) -> Any:
        """Return the API's value of an argument that the state does not contain because it is write-only.

        Returns:
            The value, or UNKNOWN if the API does not report it.
        """
        del name, prior, ctx
        return UNKNOWN

    def default_values(self, state: StateT, ctx: Context[ApiT]) -> Iterable[str]:
        """Return the arguments whose values are most likely the API's own, so that generated configuration omits them.

        An error of the API is no reason to fail: then return nothing.
        """
        del state, ctx
        return ()

    def create(self, args: ArgsT, ctx: Context[ApiT]) -> tuple[str, StateT]:
        """Create the object. Call `ctx.checkpoint` as soon as its id is known.

        Returns:
            The id and the state.
        """
        raise NotImplementedError

    def read(self, id: str, prior: StateT | None, ctx: Context[ApiT]) -> StateT | None:
        """Return the object as it is at the API, or None if it is gone. On import, `prior` is None."""
        raise NotImplementedError

    def update(self, id: str, args: ArgsT, prior: StateT, changed: frozenset[str], ctx: Context[ApiT]) -> StateT:
        """Update the arguments `changed` in place. If none changed, resume a create that did not complete."""
        if changed:
            raise NotImplementedError
        return self.read(id, prior, ctx) or prior

    def delete(self, id: str, prior: StateT, ctx: Context[ApiT]) -> None:
        """Delete the object. If it is gone already, that is a success. Not needed with `cannot_delete`."""
        if not self.cannot_delete:
            raise NotImplementedError
        ctx.info(f"{self.noun} {id} was removed from the state only: {self.cannot_delete}")

    def is_incomplete(self, prior: StateT) -> bool:
        """Return whether an earlier run created the object but stopped waiting for it, so that `update` must wait."""
        del prior
        return False

    @property
    def depends_on_other_resources(self) -> bool:
        """Whether a change of other objects may require a replacement."""
        return type(self).replacement_triggers is not Resource.replacement_triggers

    @property
    def supports_list(self) -> bool:
        """Whether the API can list the objects of this type."""
        return type(self).list is not Resource.list

    def list(self, ctx: Context[ApiT], query: ListQuery = EVERYTHING) -> Iterable[tuple[str, str, StateT]]:
        """Return the id, the name for users, and the state of every object of this type."""
        raise NotImplementedError

    def upgrade_state(self, version: int, state: dict[str, Any]) -> dict[str, Any]:
        """Convert a state of an older schema version to the current one. Fields that no longer exist are ignored."""
        del version
        return state

    def deletion_blocked_reason(self, prior: StateT) -> str | None:
        """Return why this object must be neither deleted nor replaced, or None if it may be."""
        del prior
        return None


class DataSource(HasModels, Generic[ArgsT, ResultT, ApiT]):
    """A data source, an ephemeral resource or an action. The subclass's docstring is its documentation.

    Attributes:
        name: The name in snake case, such as "get_key". Each engine has its own spelling of it.
        timeout: The seconds after which a call ends. An argument `timeout_seconds` replaces it.
        runs_in_preview: Whether a preview calls the API. False if a call costs something or may change something.
        arguments: The model of the arguments, the first type parameter.
        result: The model of the result, the second one.

    Example:
        A data source with one argument::

            class GetKeyArgs(Arguments):
                id: str = Field(description="The key's id.")

            class GetKeyResult(Result):
                name: str = Field(description="The key's name.")

            class GetKey(DataSource[GetKeyArgs, GetKeyResult, Client]):
                "Read the name of a key."

                name = "get_key"

                def call(self, args: GetKeyArgs, ctx: Context[Client]) -> GetKeyResult:
                    name = ctx.api.name_of(args.id)
                    if name is None:
                        raise ResourceError(f"there is no key {args.id!r}", property="id")
                    return GetKeyResult(name=name)
    """

    MODELS = ("arguments", "result")

    name: ClassVar[str]
    timeout: ClassVar[float] = 120
    runs_in_preview: ClassVar[bool] = True
    arguments: type[ArgsT]
    result: type[ResultT]

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Check rules across arguments, over values that may be UNKNOWN or absent. Pure."""
        del args
        return ()

    def time_limit(self, args: Mapping[str, Any]) -> float:
        """Return the seconds after which a call with these arguments ends."""
        return float(args.get("timeout_seconds") or self.timeout)

    def call(self, args: ArgsT, ctx: Context[ApiT]) -> ResultT:
        """Return the result. Exceptions are treated as those of a `Resource`."""
        raise NotImplementedError


class ProviderFunction(HasModels, Generic[ArgsT]):
    """A pure function, which needs neither API nor settings. Its parameters are the fields of `arguments`, in order."""

    MODELS = ("arguments",)

    name: ClassVar[str]
    arguments: type[ArgsT]
    result: Any

    def call(self, args: ArgsT) -> Any:
        """Return the value.

        Raises:
            ResourceError: An argument is invalid.
        """
        raise NotImplementedError
