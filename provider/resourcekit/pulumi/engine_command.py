"""Parse the engine's command line: which resources a run may change. Pure, except for `parent_command`."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from resourcekit.plugin import engine_cli

_DESTROY: Final = frozenset({"destroy", "down", "dn"})
# Options whose value is the next word, so that the name of a stack called `destroy` is not taken for the command.
_WITH_VALUES: Final = frozenset(
    {"-s", "--stack", "-C", "--cwd", "-m", "--message", "-c", "--config", "--config-file", "-p", "--parallel", "-t",
     "--target", "-x", "--exclude", "--target-replace", "--replace", "--color", "-v", "--verbose", "--tracing",
     "--otel-traces", "--profiling", "--memprofilerate", "--exec-kind", "--client", "--event-log", "--plan"}
)  # fmt: skip


@dataclass(frozen=True)
class EngineCommand:
    """A Pulumi command. The default stands for one that could not be read: it may change every resource.

    Attributes:
        is_destroy: Whether the command deletes every resource that it may change.
        targets: URNs or patterns of URNs that limit the command; empty: no limit.
        excludes: URNs or patterns of resources that the command does not change.
        replaced: URNs or patterns of resources that the command replaces regardless of the program.
        with_dependents: Whether the command may change the dependents of a target as well.
        spares_dependents: Whether the command excludes the dependents of an excluded resource as well.
        spares_protected: Whether the command excludes resources with Pulumi's own `protect`.
    """

    is_destroy: bool = False
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    with_dependents: bool = False
    spares_dependents: bool = False
    spares_protected: bool = False

    def names(self, urn: str) -> bool:
        """Return whether a target names this resource."""
        return _matches(urn, self.targets)

    def replaces(self, urn: str) -> bool:
        """Return whether the command forces the replacement of this resource."""
        return _matches(urn, self.replaced)

    def excludes_by_name(self, urn: str) -> bool:
        """Return whether an exclusion names this resource."""
        return _matches(urn, self.excludes)


def parent_command() -> EngineCommand:
    """Return the command of the engine that runs this process."""
    engine = engine_cli.find_parent_engine(("pulumi",))
    return EngineCommand() if engine is None else parse(engine.args, os.environ)


def parse(words: Sequence[str], environment: Mapping[str, str]) -> EngineCommand:
    """Parse a command line. The environment may contain options as well, such as `PULUMI_OPTION_TARGET`."""

    def values(*names: str) -> tuple[str, ...]:
        flags = [value for name in names for value in engine_cli.flag_values(words, name)]
        return (*flags, *_in_environment(environment, names[0]))

    def is_set(name: str) -> bool:
        last = [word for word in words if word.partition("=")[0] == f"--{name}"][-1:]
        last += _in_environment(environment, name)[-1:]
        return any(word.rpartition("=")[2].lower() not in ("false", "0", "f") for word in last)

    return EngineCommand(
        is_destroy=_name(words) in _DESTROY,
        targets=(*values("target", "t"), *values("target-replace")),
        excludes=values("exclude", "x"),
        replaced=(*values("replace"), *values("target-replace")),
        with_dependents=is_set("target-dependents"),
        spares_dependents=is_set("exclude-dependents"),
        spares_protected=is_set("exclude-protected"),
    )


def _name(words: Iterable[str]) -> str:
    """Return the first word that is neither an option nor an option's value."""
    is_value = False
    for word in words:
        if not is_value and not word.startswith("-"):
            return word
        is_value = not is_value and word in _WITH_VALUES
    return ""


def _in_environment(environment: Mapping[str, str], option: str) -> list[str]:
    value = environment.get(f"PULUMI_OPTION_{option.upper().replace('-', '_')}", "")
    return next(csv.reader([value]), [])


def _matches(urn: str, patterns: Iterable[str]) -> bool:
    """Match as the engine does: `*` stands for any text without a colon, `**` for any text."""
    for pattern in patterns:
        parts = ("[^:]*".join(map(re.escape, part.split("*"))) for part in pattern.split("**"))
        if re.fullmatch(".*".join(parts), urn, re.DOTALL):
            return True
    return False
