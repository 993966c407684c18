"""Declare the arguments and the state of a resource or a function: pydantic models with markers on their fields.

Markers stand inside `Annotated`:

    region: Annotated[str | None, RequiresReplace(), Computed()] = Field(None, description="…")

The API sets an argument that is optional and computed when the program leaves it out. The value that the API chose is
then no drift.
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
    """A change of this argument replaces the object."""


@dataclass(frozen=True)
class Computed:
    """The API sets this value. Unless it is `Stable`, the plan of an update shows it as unknown.

    Attributes:
        changes_with: The arguments whose change makes the value unknown; empty: every argument.
    """

    changes_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stable:
    """A computed value that no update changes. The plan of an update shows it as known."""


@dataclass(frozen=True)
class NumericId:
    """The numeric id of another object. A string of digits is accepted, because engines know ids only as strings."""


@dataclass(frozen=True)
class Reference:
    """A value of another object, such as its UUID.

    The plan checks its form. Validation does not, because Terraform's `mock_provider` may have generated the value.
    """


@dataclass(frozen=True)
class AlwaysPresent:
    """A computed value that every complete object has. Typed SDKs do not declare it as optional.

    The state of an object whose create did not complete may lack it.
    """


@dataclass(frozen=True)
class Secret:
    """A secret: sensitive in Terraform; encrypted in Pulumi's state. Neither engine prints it."""


@dataclass(frozen=True)
class ResetOnRemove:
    """Removing this argument from the program resets it at the API. Other computed arguments keep their value."""


@dataclass(frozen=True)
class CreateOnly:
    """An argument that acts only when the object is created. A later change is rejected.

    Attributes:
        advice: One sentence for the error: what to use instead.
    """

    advice: str


@dataclass(frozen=True)
class ProviderOnly:
    """An argument that is stored in the engine's state and never sent to the API.

    Attributes:
        default: The value that applies if the program leaves the argument out.
    """

    default: Any = None


@dataclass(frozen=True)
class AutoNamed:
    """A required name that Pulumi generates if the program leaves it out (autonaming). Terraform requires it.

    Attributes:
        max_length: The greatest length that the API accepts; 0: any.
        normalize: Returns a text without the characters that the API rejects.
    """

    max_length: int = 0
    normalize: Callable[[str], str] = str


@dataclass(frozen=True)
class Unordered:
    """A list whose order and duplicates have no meaning. Terraform shows it as a set."""


@dataclass(frozen=True)
class WriteOnlyVariant:
    """An argument that may contain secrets. Terraform offers a write-only variant of it as well (`NAME_wo`)."""


@dataclass(frozen=True)
class SemanticEquality:
    """Two values are equal if `canonical` returns equal results for them."""

    canonical: Callable[[Any], Any]


@dataclass(frozen=True)
class Variadic:
    """The last argument of a provider function, which calls may leave out. In Terraform it is variadic."""


@dataclass(frozen=True)
class Deprecated:
    """A field that still works but should not be used. `message` names the replacement."""

    message: str


def Validator(test: Callable[[Any], bool], message: str) -> AfterValidator:  # noqa: N802 (reads as a marker)
    """Return a constraint with its own error message.

    Args:
        test: Return whether a value other than None is valid.
        message: The rule, as a continuation of "name: ", such as "must be a lower-case name".
    """

    def apply(value: Any) -> Any:
        if value is not None and not test(value):
            raise ValueError(message)
        return value

    return AfterValidator(apply)


class Arguments(BaseModel):
    """Base of the models of arguments: what a program may set."""

    model_config = ConfigDict(extra="forbid")


class Result(BaseModel):
    """Base of the models of results: a resource's state or a data source's result."""

    model_config = ConfigDict(extra="ignore")


# To an API, an empty list or map is the same as none.
_EMPTY: Final[tuple[Any, ...]] = (None, [], {})


@dataclass(frozen=True)
class FieldSpec:
    """All markers of one field, read from its annotation once."""

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
    auto_named: AutoNamed | None = None

    @functools.cached_property
    def validator(self) -> TypeAdapter[Any]:
        """The validator of the field's values, built on first use."""
        return TypeAdapter(self.annotation)

    def semantically_equal(self, left: Any, right: Any) -> bool:
        """Return whether two known values mean the same to the API."""
        left, right = without_nulls(left), without_nulls(right)
        if self.canonical is not None:
            left, right = (None if value is None else self.canonical(value) for value in (left, right))
        if left in _EMPTY and right in _EMPTY:
            return True
        if left is not None and right is not None and self.unordered:
            return set(left) == set(right)
        return json_equal(left, right)


def _build_spec(name: str, info: FieldInfo) -> FieldSpec:
    marks = {type(mark): mark for mark in info.metadata}
    computed, advice = marks.get(Computed), marks.get(CreateOnly)
    deprecated, equality, provider_only = marks.get(Deprecated), marks.get(SemanticEquality), marks.get(ProviderOnly)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return FieldSpec(
        name=name,
        annotation=Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation,
        description=info.description or "",
        required=info.is_required(),
        default=provider_only.default if provider_only and default is None else default,
        requires_replace=RequiresReplace in marks,
        computed=computed is not None,
        stable=Stable in marks,
        always_present=AlwaysPresent in marks,
        numeric_id=NumericId in marks,
        reference=Reference in marks or NumericId in marks,
        secret=Secret in marks,
        reset_on_remove=ResetOnRemove in marks,
        provider_only=provider_only is not None,
        unordered=Unordered in marks,
        write_only_variant=WriteOnlyVariant in marks,
        variadic=Variadic in marks,
        changes_with=computed.changes_with if computed else (),
        create_only=advice.advice if advice else None,
        deprecated=deprecated.message if deprecated else None,
        canonical=equality.canonical if equality else None,
        auto_named=marks.get(AutoNamed),
    )


_fields: dict[type[BaseModel], dict[str, FieldSpec]] = {}


def field_specs(model: type[BaseModel]) -> dict[str, FieldSpec]:
    """Return the spec of every field of `model` by name, in the order of declaration. All threads share the specs."""
    specs = _fields.get(model)
    if specs is None:
        built = {name: _build_spec(name, info) for name, info in model.model_fields.items()}
        # Another thread may have been faster: its specs are in use already.
        specs = _fields.setdefault(model, built)
    return specs


def to_plain(value: Any) -> Any:
    """Convert models in `value` to dicts without their unset entries, and sets and tuples to lists."""
    if isinstance(value, BaseModel):
        return {k: to_plain(v) for k, v in value if v is not None}
    if isinstance(value, dict):
        return {k: to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    return value


def without_nulls(value: Any) -> Any:
    """Return a plain value without the null entries of its maps. To an API, a null entry is no entry."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def json_equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal as JSON. A null entry of a map is no entry; true is not 1, as in Python."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return all(json_equal(left.get(key), right.get(key)) for key in left.keys() | right.keys())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return bool(left == right)
