"""Declaring a resource or a function: pydantic models whose fields carry facts.

An argument that is optional *and* computed is filled by the API when it is left out: not set means "keep what is
there", so a server's choice is never drift. Facts are markers inside `Annotated`:

    region: Annotated[str | None, Replaces(), Computed()] = Field(None, description="…")
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class RequiresReplace:
    """A change of this argument makes a new object and removes the old one."""


@dataclass(frozen=True)
class Computed:
    """The API fills this in. Unless `Stable`, an update makes it unknown while planning.

    moves_with: the arguments whose change makes it unknown; empty: any change.
    """

    changes_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stable:
    """A computed value that no update ever changes, so it stays known while planning one."""


@dataclass(frozen=True)
class NumericId:
    """The number of another object. Engines know ids as texts alone, so such a one may stand for it."""


@dataclass(frozen=True)
class Reference:
    """A value that another object gives, such as its UUID. Its form is checked in the plan and not before: while
    Terraform validates, it may be one that `mock_provider` made up.
    """


@dataclass(frozen=True)
class AlwaysPresent:
    """A computed value that is there whenever a program sees the object: typed SDKs do not call it optional.

    A state that a create has left unfinished may lack it.
    """


@dataclass(frozen=True)
class Secret:
    """Never shown in plain text: encrypted in state, masked in output."""


@dataclass(frozen=True)
class ResetOnRemove:
    """Taking this argument out of the program clears it at the API (unlike a computed one, which is then kept)."""


@dataclass(frozen=True)
class CreateOnly:
    """Acts when the object is created and never again; a later change is refused with `advice`."""

    advice: str


@dataclass(frozen=True)
class ProviderOnly:
    """The API never sees this argument: it lives in the engine's state alone. default: what leaving it out means."""

    default: Any = None


@dataclass(frozen=True)
class Unordered:
    """A list whose order and repetitions mean nothing: a set, where the engine has sets."""


@dataclass(frozen=True)
class WriteOnlyVariant:
    """Users may put secrets in here: an engine that has write-only arguments offers this one as such, too."""


@dataclass(frozen=True)
class SemanticEquality:
    """How two values are compared: equal when `canonical` makes them equal."""

    canonical: Callable[[Any], Any]


@dataclass(frozen=True)
class Variadic:
    """The last argument of a provider function, which a call may leave out: a variadic parameter in Terraform."""


@dataclass(frozen=True)
class Deprecated:
    """Still works; `message` says what to use."""

    message: str


def Validator(test: Callable[[Any], bool], message: str) -> AfterValidator:  # noqa: N802 (reads as a marker)
    """A constraint whose failure is explained in words; `message` continues "name: …"."""

    def apply(value: Any) -> Any:
        if value is not None and not test(value):
            raise ValueError(message)
        return value

    return AfterValidator(apply)


class Arguments(BaseModel):
    """What a user may set."""

    model_config = ConfigDict(extra="forbid")


class Result(BaseModel):
    """What comes back: a resource's state or a function's result."""

    model_config = ConfigDict(extra="ignore")


# Nothing in a list or map, and no list or map, mean the same to an API.
_EMPTY: Final[tuple[Any, ...]] = (None, [], {})


@dataclass(frozen=True)
class FieldSpec:
    """All that is known of one field, read from its annotation once."""

    name: str
    annotation: Any
    description: str
    required: bool
    default: Any
    requires_replace: bool = False
    computed: bool = False
    stable: bool = False
    always_present: bool = False
    numeric_id: bool = False
    reference: bool = False
    secret: bool = False
    reset_on_remove: bool = False
    provider_only: bool = False
    unordered: bool = False
    write_only_variant: bool = False
    variadic: bool = False
    changes_with: tuple[str, ...] = ()
    create_only: str | None = None
    deprecated: str | None = None
    canonical: Callable[[Any], Any] | None = None

    @functools.cached_property
    def validator(self) -> TypeAdapter[Any]:
        """The validator of the field's values, built at the first use."""
        return TypeAdapter(self.annotation)

    def semantically_equal(self, left: Any, right: Any) -> bool:
        """Whether two known values mean the same to the API."""
        left, right = without_nulls(left), without_nulls(right)
        if self.canonical is not None:
            left, right = (None if each is None else self.canonical(each) for each in (left, right))
        if left in _EMPTY and right in _EMPTY:
            return True
        if left is not None and right is not None and self.unordered:
            return set(left) == set(right)
        return json_equal(left, right)


def _build_spec(name: str, info: FieldInfo) -> FieldSpec:
    marks = {type(mark): mark for mark in info.metadata}
    computed, advice = marks.get(Computed), marks.get(CreateOnly)
    deprecated, same, local = marks.get(Deprecated), marks.get(SemanticEquality), marks.get(ProviderOnly)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return FieldSpec(
        name=name,
        annotation=Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation,
        description=info.description or "",
        required=info.is_required(),
        default=local.default if local and default is None else default,
        requires_replace=RequiresReplace in marks,
        computed=computed is not None,
        stable=Stable in marks,
        always_present=AlwaysPresent in marks,
        numeric_id=NumericId in marks,
        reference=Reference in marks or NumericId in marks,
        secret=Secret in marks,
        reset_on_remove=ResetOnRemove in marks,
        provider_only=local is not None,
        unordered=Unordered in marks,
        write_only_variant=WriteOnlyVariant in marks,
        variadic=Variadic in marks,
        changes_with=computed.changes_with if computed else (),
        create_only=advice.advice if advice else None,
        deprecated=deprecated.message if deprecated else None,
        canonical=same.canonical if same else None,
    )


_fields: dict[type[BaseModel], dict[str, FieldSpec]] = {}


def field_specs(model: type[BaseModel]) -> dict[str, FieldSpec]:
    """Return the facts of every field of `model`, by name, in the order of declaration. All threads share them."""
    found = _fields.get(model)
    if found is None:
        read = {name: _build_spec(name, info) for name, info in model.model_fields.items()}
        # Another thread may have been faster: its facts are in use.
        found = _fields.setdefault(model, read)
    return found


def to_plain(value: Any) -> Any:
    """`value` as plain Python: models become dicts without their unset entries."""
    if isinstance(value, BaseModel):
        return {k: to_plain(v) for k, v in value if v is not None}
    if isinstance(value, dict):
        return {k: to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    return value


def without_nulls(value: Any) -> Any:
    """Return a plain value without the null entries of its maps: to an API they are left out."""
    if isinstance(value, Mapping):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def json_equal(left: Any, right: Any) -> bool:
    """Equal as JSON, where a null entry of a map is no entry. To Python, true is 1 and false is 0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return all(json_equal(left.get(key), right.get(key)) for key in left.keys() | right.keys())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return bool(left == right)
