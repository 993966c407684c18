"""Property paths, as `ignoreChanges` and `replaceOnChanges` hold them: the engine's own grammar and rules
(sdk/go/common/resource/properties_path.go), over declared names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from resourcekit.field_types import AnyType, FieldType, ListType, MapType, ObjectType, field_types
from resourcekit.fields import field_specs
from resourcekit.pulumi.casing import to_camel

Path = tuple[str | int, ...]
Values = Mapping[str, Any]
ANY: Final = "*"
_QUOTED_KEY, _INDEX, _BARE_KEY = (
    r'\["(?P<quoted>(?:\\"|[^"])*)"\]',
    r"\[(?P<index>\*|[+-]?[0-9]+)\]",
    r"(?P<bare>[^.\[]+)",
)
_PLAIN = re.compile(r"[A-Za-z_$][\w$]*\Z")
_FIRST = re.compile(f"{_QUOTED_KEY}|{_INDEX}|{_BARE_KEY}")
_NEXT = re.compile(rf"\.?(?:{_QUOTED_KEY}|{_INDEX})|\.{_BARE_KEY}")


def parse(text: str) -> Path:
    """Return the steps of a path: `a.b`, `a["b c"]`, `a[0]`, `*`. Raises ValueError where the engine takes none."""
    steps: list[str | int] = []
    at = 0
    while at < len(text) or not steps:
        found = (_NEXT if steps else _FIRST).match(text, at)
        if found is None:
            raise ValueError(f"{text!r} is no property path")
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def format_path(path: Path) -> str:
    """Return a path in the engine's grammar: `variables.tenant`, `variables["a.b"]`, `events[0]`."""
    return "".join(map(_text, path)).removeprefix(".")


def _text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step == ANY or _PLAIN.match(step):
        return f".{step}"
    escaped = step.replace('"', '\\"')
    return f'["{escaped}"]'


def _step(found: re.Match[str]) -> str | int:
    if found["quoted"] is not None:
        return found["quoted"].replace('\\"', '"')
    index = found["index"]
    return found["bare"] if index is None else index if index == ANY else int(index)


def parse_all(texts: Iterable[str]) -> list[Path]:
    """Return the paths of an option. What is no path names nothing: the engine reports or passes over it."""
    found = []
    for text in texts:
        try:
            found.append(parse(text))
        except ValueError:
            continue
    return found


def contains(path: Path, other: Path) -> bool:
    """Return whether `other` is at or below `path`, whose `*` stands for any one step."""
    return len(path) <= len(other) and all(own in (ANY, step) for own, step in zip(path, other, strict=False))


def to_declared(path: Path, model: type[BaseModel]) -> Path:
    """Return a path of the engine's property names as one of declared names, which are the same in maps."""
    return _declared(path, ObjectType(model))


def _declared(path: Path, shape: FieldType) -> Path:
    if not path:
        return path
    step, *rest = path
    below: FieldType = AnyType()
    match shape:
        case ObjectType(model):
            names = {to_camel(name): name for name in field_specs(model)}
            step = names.get(str(step), step)
            below = field_types(model).get(str(step), below)
        case MapType(value):
            below = value
        case ListType(item):
            below = item
    return (step, *_declared(tuple(rest), below))


class IgnoredPaths:
    """What `ignoreChanges` names of a resource's arguments.

    names: the arguments that are named whole, by themselves or by `*`.
    """

    def __init__(self, paths: Iterable[Path], arguments: type[BaseModel]) -> None:
        found = list(paths)
        heads = {path[0] for path in found if len(path) == 1}
        self.names = frozenset(name for name in field_specs(arguments) if name in heads or ANY in heads)
        self._inside = [path for path in found if len(path) > 1]

    def apply(self, news: Values, state: Values, old_inputs: Values) -> dict[str, Any]:
        """Return the new arguments with what the paths name inside of objects and maps as it is now.

        The engine puts the last inputs there before it calls; the state is what a refresh may have found changed. Lists
        stay as the engine made them, because a state may have them in another order.
        """
        there = {**old_inputs, **{name: value for name, value in state.items() if value is not None}}
        values: Any = dict(news)
        for path in self._inside:
            values = _reset(path, there, values)
        found: dict[str, Any] = values
        return found


def _reset(path: Path, old: Any, new: Any) -> Any:
    step, *rest = path
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)) or isinstance(step, int):
        return new
    if not rest:
        kept = {} if step == ANY else {name: value for name, value in new.items() if name != step}
        return {**kept, **{name: value for name, value in old.items() if step in (ANY, name)}}
    steps = [name for name in new if step in (ANY, name) and name in old]
    return {**new, **{name: _reset(tuple(rest), old[name], new[name]) for name in steps}}
