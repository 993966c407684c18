"""Verdicts on facts: pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from polykomos_provider.doctor.versions import ADDED, FLOORS, dotted

OK = "ok"
WARNING = "warning"
ERROR = "error"
# Calls a minute with which reading 100 databases is felt.
_SCARCE = 30


@dataclass(frozen=True)
class Finding:
    """check: what was looked at. level: OK, WARNING or ERROR. advice: the way out, empty where none is needed."""

    check: str
    level: str
    text: str
    advice: str = ""


@dataclass(frozen=True)
class ScopeRequirement:
    """What one kind of resource needs of a key."""

    kind: str
    read: tuple[str, ...]
    write: tuple[str, ...]


def is_ok(found: Iterable[Finding]) -> bool:
    """Whether nothing is an error."""
    return all(each.level != ERROR for each in found)


def as_json(found: Sequence[Finding]) -> str:
    """The report for programs."""
    return json.dumps({"ok": is_ok(found), "findings": [asdict(each) for each in found]}, indent=2) + "\n"


def scopes(needs: Iterable[ScopeRequirement], permissions: Sequence[str]) -> list[Finding]:
    """What the key may do with each kind. An error only when it may do nothing with any."""
    kinds = list(needs)
    level = ERROR if all(missing(each.read, permissions) for each in kinds) else WARNING
    return [_may(each, permissions, level) for each in kinds]


def _may(needs: ScopeRequirement, permissions: Sequence[str], level: str) -> Finding:
    check = f"key: {needs.kind}"
    unread, unwritten = missing(needs.read, permissions), missing(needs.write, permissions)
    advice = f"give the key {', '.join([*unread, *unwritten])} in the dashboard, if it is to"
    if unread:
        return Finding(check, level, "the key may not manage these", advice)
    if unwritten:
        return Finding(check, WARNING, "the key may only read these: previews and drift work, changes do not", advice)
    return Finding(check, OK, "the key may manage these")


def missing(wanted: Iterable[str], permissions: Sequence[str]) -> list[str]:
    """Scopes that the permissions do not hold. `databases:*` holds all of `databases:`."""
    return [each for each in wanted if each not in permissions and f"{each.partition(':')[0]}:*" not in permissions]


def budget(requests_per_minute: int | None, monthly_quota: int | None) -> Finding:
    """How many calls the key has."""
    month = f", {monthly_quota} a month" if monthly_quota else ""
    if not requests_per_minute:
        return Finding("rate budget", OK, f"no limit of calls a minute{month}")
    text = f"{requests_per_minute} calls a minute{month}; reads share pages of 100, and waits are no errors"
    if requests_per_minute < _SCARCE:
        return Finding("rate budget", WARNING, text, "raise the key's limit in the dashboard: runs will be slow")
    return Finding("rate budget", OK, text)


ENGINES = tuple(FLOORS)


def version(engine: str, found: tuple[int, int] | None) -> Finding:
    """Whether an engine that is on PATH is new enough. found: None when it told no version."""
    if found is None:
        return Finding(engine, ERROR, "told no version", f"try `{engine} version`")
    text, floor = dotted(found), FLOORS[engine]
    if found < floor:
        return Finding(engine, ERROR, f"{text} is too old", f"install {dotted(floor)} or later")
    without = [f"{what} ({dotted(since)})" for since, what in ADDED.get(engine, ()) if found < since]
    return Finding(engine, OK, f"{text}{'; newer ones add ' + ', '.join(without) if without else ''}")


def plugin(engine: str, places: Sequence[str], broken: str, installed: str) -> Finding:
    """Whether an engine finds this provider. places: where, the first one taken; broken: why that one does not start;
    installed: this provider's version.
    """
    check, way = f"{engine}: provider", f"polykomos install {'pulumi' if engine == 'pulumi' else 'terraform'}"
    if not places:
        return Finding(check, ERROR, "is not where the engine looks", f"run `{way}` (or with --project)")
    if broken:
        return Finding(check, ERROR, f"{places[0]} does not start: {broken}", f"run `{way}` once more")
    return Finding(check, OK, f"{places[0]} starts (version {installed} is installed here)")


def with_severity(found: Mapping[str, Sequence[Finding]], wanted: Sequence[str]) -> list[Finding]:
    """The findings per engine (none for one that is not on PATH), as errors only where they keep somebody from working.

    wanted: engines that must work; without any, one of them must.
    """
    if not found:
        return []
    works = any(findings and is_ok(findings) for findings in found.values())
    every = [each for findings in found.values() for each in findings]
    if wanted:
        return every + [_absent(name) for name in wanted if not found[name]]
    if not every:
        least = ", ".join(f"{name} {dotted(floor)}" for name, floor in FLOORS.items())
        return [Finding("engines", ERROR, "none is on PATH", f"install one of {least}, or later")]
    return [_as_warning(each) for each in every] if works else every


def _absent(engine: str) -> Finding:
    return Finding(engine, ERROR, "is not on PATH", f"install {dotted(FLOORS[engine])} or later")


def _as_warning(found: Finding) -> Finding:
    return Finding(found.check, WARNING, found.text, found.advice) if found.level == ERROR else found
