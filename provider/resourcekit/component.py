"""Several resources as one: which there are for which arguments, and what comes of them. Pure; an engine makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar

from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, Result
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN, contains_unknown

ArgsT = TypeVar("ArgsT", bound=Arguments)
ResultT = TypeVar("ResultT", bound=Result)


@dataclass(frozen=True)
class Output:
    """A value and what goes with it wherever it goes.

    value: plain; UNKNOWN, or holding it, while that is so. sources: the objects that it comes from, as the engine names
    them.
    """

    value: Any
    secret: bool = False
    sources: frozenset[str] = frozenset()

    def map(self, change: Callable[[Any], Any]) -> Output:
        """What `change` makes of a known value, null apart; as secret and from the same sources."""
        if contains_unknown(self.value):
            return replace(self, value=UNKNOWN)
        return self if self.value is None else replace(self, value=change(self.value))


@dataclass(frozen=True)
class ChildRef:
    """A field of an earlier child, as it will be."""

    child: str
    field: str


ChildOutputs = Mapping[str, Output]


@dataclass(frozen=True)
class Child:
    """One resource of a component.

    name: what follows the component's own name; it must never come to mean another object. args: by declared names,
    values may hold `Output` and `ChildRef`. after: earlier children to wait for, beside those that `args` speak of.
    protected: the engine's own protection; None leaves it to the component's. origin: the path of the component's
    argument whose fields `args` are, such as ("blueprints", 0); empty where they are the component's own.
    """

    name: str
    kind: type[Resource[Any, Any, Any]]
    args: Mapping[str, Any]
    after: tuple[str, ...] = field(default=())
    protected: bool | None = None
    origin: tuple[str | int, ...] = ()


class Component(Generic[ArgsT, ResultT]):
    """A resource made of resources. The docstring is its documentation.

    Arguments come as plain lists and objects as far as `arguments` declares them; where it declares no more, there is
    an `Output`. Where the engine does not know a list or an object at all, an `Output` of UNKNOWN stands for it.
    """

    name: ClassVar[str]
    arguments: type[ArgsT]
    result: type[ResultT]

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Rules across arguments, over plain values that may be UNKNOWN or absent."""
        del args
        return ()

    def preview_warnings(self, args: Mapping[str, Any]) -> Iterable[str]:
        """What a preview with these arguments cannot show, in words."""
        del args
        return ()

    def children(self, args: Mapping[str, Any]) -> Iterable[Child]:
        """The resources, in the order in which they are made."""
        raise NotImplementedError

    def outputs(self, made: Mapping[str, ChildOutputs]) -> Mapping[str, Any]:
        """The fields of `result`, from those of the children by their names. Values may hold `Output` at any depth."""
        raise NotImplementedError


def merge_outputs(value: Any) -> Output:
    """A value that holds outputs as one: plain inside; secret when any of it is, from all that any of it is from."""
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
    known = list(parts)
    return Output(value, any(part.secret for part in known), frozenset().union(*(part.sources for part in known)))


def resolve_refs(value: Any, made: Mapping[str, ChildOutputs]) -> Any:
    """`value` with every `ChildRef` replaced by the field that it speaks of."""
    if isinstance(value, ChildRef):
        return made[value.child][value.field]
    if isinstance(value, Mapping):
        return {name: resolve_refs(entry, made) for name, entry in value.items()}
    if isinstance(value, list):
        return [resolve_refs(item, made) for item in value]
    return value
