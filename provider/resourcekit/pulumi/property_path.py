"""Property paths of `ignoreChanges` and `replaceOnChanges`, over declared names.

Grammar and rules are the engine's (sdk/go/common/resource/properties_path.go).
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
    """Return the steps of a path, such as `a.b`, `a["b c"]`, `a[0]` or `*`.

    Raises:
        ValueError: The engine does not accept the text as a path.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(text) or not steps:
        match = (_NEXT if steps else _FIRST).match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is no property path")
        steps.append(_step(match))
        position = match.end()
    return tuple(steps)


def format_path(path: Path) -> str:
    """Return a path in the engine's grammar: `variables.tenant`, `variables["a.b"]`, `events[0]`."""
    return "".join(map(_format_step, path)).removeprefix(".")


def _format_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step == ANY or _PLAIN.match(step):
        return f".{step}"
    escaped = step.replace('"', '\\"')
    return f'["{escaped}"]'


def _step(match: re.Match[str]) -> str | int:
    if match["quoted"] is not None:
        return match["quoted"].replace('\\"', '"')
    index = match["index"]
    return match["bare"] if index is None else index if index == ANY else int(index)


def parse_all(texts: Iterable[str]) -> list[Path]:
    """Return the paths of an option. A text that is no path is left out: the engine reports or ignores it."""
    paths = []
    for text in texts:
        try:
            paths.append(parse(text))
        except ValueError:
            continue
    return paths


def contains(path: Path, other: Path) -> bool:
    """Return whether `other` equals `path` or lies below it. A `*` in `path` stands for any one step."""
    return len(path) <= len(other) and all(own in (ANY, step) for own, step in zip(path, other, strict=False))


def to_declared(path: Path, model: type[BaseModel]) -> Path:
    """Convert a path of property names to declared names. Keys of maps stay."""
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
    """The arguments and parts of arguments in a resource's `ignoreChanges`.

    Attributes:
        names: The arguments that are ignored as a whole, by name or by `*`.
    """

    def __init__(self, paths: Iterable[Path], arguments: type[BaseModel]) -> None:
        every_path = list(paths)
        heads = {path[0] for path in every_path if len(path) == 1}
        self.names = frozenset(name for name in field_specs(arguments) if name in heads or ANY in heads)
        self._nested = [path for path in every_path if len(path) > 1]

    def apply(self, news: Values, state: Values, old_inputs: Values) -> dict[str, Any]:
        """Return the new arguments with the ignored parts of objects and maps as they are in the state.

        The engine itself sets ignored parts to the last inputs. The state also contains drift that a refresh found.
        Lists stay as the engine sent them, because a state may contain them in another order.
        """
        current = {**old_inputs, **{name: value for name, value in state.items() if value is not None}}
        values: Any = dict(news)
        for path in self._nested:
            values = _reset(path, current, values)
        result: dict[str, Any] = values
        return result


def _reset(path: Path, old: Any, new: Any) -> Any:
    step, *rest = path
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)) or isinstance(step, int):
        return new
    if not rest:
        others = {} if step == ANY else {name: value for name, value in new.items() if name != step}
        return {**others, **{name: value for name, value in old.items() if step in (ANY, name)}}
    steps = [name for name in new if step in (ANY, name) and name in old]
    return {**new, **{name: _reset(tuple(rest), old[name], new[name]) for name in steps}}
