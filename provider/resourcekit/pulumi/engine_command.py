"""What the engine's command line says about which resources a run may touch. Pure, but for `running`."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from resourcekit.plugin import engine_cli

_DESTROY: Final = frozenset({"destroy", "down", "dn"})
# Options of the commands below whose value is the next word, so that a stack called `destroy` is no command.
_WITH_VALUES: Final = frozenset(
    {"-s", "--stack", "-C", "--cwd", "-m", "--message", "-c", "--config", "--config-file", "-p", "--parallel", "-t",
     "--target", "-x", "--exclude", "--target-replace", "--replace", "--color", "-v", "--verbose", "--tracing",
     "--otel-traces", "--profiling", "--memprofilerate", "--exec-kind", "--client", "--event-log", "--plan"}
)  # fmt: skip


@dataclass(frozen=True)
class EngineCommand:
    """A Pulumi command. The default is one that could not be read: it may touch every resource.

    Attributes:
        is_destroy: It deletes everything that it may touch.
        targets: URNs, or patterns of them, to which it is limited; empty means no limit.
        excludes: Those that it leaves alone.
        replaced: Those that it replaces whatever the program says.
        with_dependents: Whether what depends on a target is touched as well.
        spares_dependents: Whether what depends on an excluded resource is left alone as well.
        spares_protected: Whether resources with Pulumi's own `protect` are left alone.
    """

    is_destroy: bool = False
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    with_dependents: bool = False
    spares_dependents: bool = False
    spares_protected: bool = False

    def names(self, urn: str) -> bool:
        """Return whether a target names this very resource."""
        return _matches(urn, self.targets)

    def replaces(self, urn: str) -> bool:
        """Return whether it is told to replace this resource."""
        return _matches(urn, self.replaced)

    def excludes_by_name(self, urn: str) -> bool:
        """Return whether an exclusion names this resource."""
        return _matches(urn, self.excludes)


def parent_command() -> EngineCommand:
    """Return the command that runs this process."""
    engine = engine_cli.find_parent_engine(("pulumi",))
    return EngineCommand() if engine is None else parse(engine.args, os.environ)


def parse(words: Sequence[str], environment: Mapping[str, str]) -> EngineCommand:
    """Read a command line. Options may also be given in the environment, as `PULUMI_OPTION_TARGET`."""

    def values(*names: str) -> tuple[str, ...]:
        given = [value for name in names for value in engine_cli.flag_values(words, name)]
        return (*given, *_in_environment(environment, names[0]))

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
    """The first word that is neither an option nor an option's value."""
    is_value = False
    for word in words:
        if not is_value and not word.startswith("-"):
            return word
        is_value = not is_value and word in _WITH_VALUES
    return ""


def _in_environment(environment: Mapping[str, str], option: str) -> list[str]:
    given = environment.get(f"PULUMI_OPTION_{option.upper().replace('-', '_')}", "")
    return next(csv.reader([given]), [])


def _matches(urn: str, patterns: Iterable[str]) -> bool:
    """As the engine matches: `*` stands for anything without a colon, `**` for anything."""
    for pattern in patterns:
        parts = ("[^:]*".join(map(re.escape, part.split("*"))) for part in pattern.split("**"))
        if re.fullmatch(".*".join(parts), urn, re.DOTALL):
            return True
    return False
