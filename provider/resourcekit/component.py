"""Declare a component: several resources that a program uses as one. Pure; the engine creates the resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar

from resourcekit.declaration import HasModels
from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, Result
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN, contains_unknown

ArgsT = TypeVar("ArgsT", bound=Arguments)
ResultT = TypeVar("ResultT", bound=Result)


@dataclass(frozen=True)
class Output:
    """A value with its secrecy and its sources.

    Attributes:
        value: A plain value. It is UNKNOWN, or contains UNKNOWN, while the engine does not know it.
        secret: Whether the value is secret.
        sources: The objects that the value comes from, by the engine's names (Pulumi: URNs).
    """

    value: Any
    secret: bool = False
    sources: frozenset[str] = frozenset()

    def map(self, change: Callable[[Any], Any]) -> Output:
        """Apply `change` to a known value other than null. Secrecy and sources stay."""
        if contains_unknown(self.value):
            return replace(self, value=UNKNOWN)
        return self if self.value is None else replace(self, value=change(self.value))


@dataclass(frozen=True)
class ChildRef:
    """A reference to a field of an earlier child."""

    child: str
    field: str


ChildOutputs = Mapping[str, Output]


@dataclass(frozen=True)
class Child:
    """One resource of a component.

    Attributes:
        name: The suffix of the resource's name, after the component's name. A later release must not use it for
            another object.
        kind: The resource's class.
        args: The arguments by declared names. Values may contain `Output` and `ChildRef`.
        after: Names of earlier children to wait for, in addition to those that `args` refer to.
        protected: The engine's own protection (Pulumi: `protect`). None: the component's protection applies.
        origin: The path of the component's argument whose fields `args` are, such as ("blueprints", 0). Empty: they
            are arguments of the component itself.
    """

    name: str
    kind: type[Resource[Any, Any, Any]]
    args: Mapping[str, Any]
    after: tuple[str, ...] = field(default=())
    protected: bool | None = None
    origin: tuple[str | int, ...] = ()


class Component(HasModels, Generic[ArgsT, ResultT]):
    """A resource that consists of other resources. The subclass's docstring is its documentation.

    The methods receive the arguments as plain lists and objects, as deep as `arguments` declares them. Every value
    below is an `Output`. A list or an object that the engine does not know is an `Output` of UNKNOWN.
    """

    MODELS = ("arguments", "result")

    name: ClassVar[str]
    arguments: type[ArgsT]
    result: type[ResultT]

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Check rules across arguments, over plain values that may be UNKNOWN or absent."""
        del args
        return ()

    def preview_warnings(self, args: Mapping[str, Any]) -> Iterable[str]:
        """Return a warning for each thing that a preview with these arguments cannot show."""
        del args
        return ()

    def children(self, args: Mapping[str, Any]) -> Iterable[Child]:
        """Return the resources in the order of their creation."""
        raise NotImplementedError

    def outputs(self, made: Mapping[str, ChildOutputs]) -> Mapping[str, Any]:
        """Return the fields of `result`. Values may contain `Output` at any depth."""
        raise NotImplementedError


def merge_outputs(value: Any) -> Output:
    """Flatten nested outputs into one.

    The result is secret if any part is. Its sources are the union of the parts' sources.
    """
    if isinstance(value, Output):
        inner = merge_outputs(value.value)
        return Output(inner.value, value.secret or inner.secret, value.sources | inner.sources)
    if isinstance(value, Mapping):
        entries = {name: merge_outputs(entry) for name, entry in value.items()}
        return _joined({name: entry.value for name, entry in entries.items()}, entries.values())
    if isinstance(value, list):
        items = [merge_outputs(item) for item in value]
        return _joined([item.value for item in items], items)
    return Output(value)


def _joined(value: Any, parts: Iterable[Output]) -> Output:
    outputs = list(parts)
    return Output(value, any(part.secret for part in outputs), frozenset().union(*(part.sources for part in outputs)))


def resolve_refs(value: Any, made: Mapping[str, ChildOutputs]) -> Any:
    """Replace every `ChildRef` in `value` with the field that it refers to."""
    if isinstance(value, ChildRef):
        return made[value.child][value.field]
    if isinstance(value, Mapping):
        return {name: resolve_refs(entry, made) for name, entry in value.items()}
    if isinstance(value, list):
        return [resolve_refs(item, made) for item in value]
    return value
