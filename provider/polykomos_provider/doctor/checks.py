"""Checks of facts, as findings. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from polykomos_provider.doctor.versions import ADDED, FLOORS, dotted

OK = "ok"
WARNING = "warning"
ERROR = "error"
# Requests a minute below which reading 100 databases takes noticeably long.
_SCARCE = 30


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    check: str  # the name of the check
    level: str  # OK, WARNING or ERROR
    text: str  # the result
    advice: str = ""  # what to do; empty if nothing is needed


@dataclass(frozen=True)
class ScopeRequirement:
    """The scopes that a key needs for one kind of resource."""

    kind: str
    read: tuple[str, ...]
    write: tuple[str, ...]


def is_ok(findings: Iterable[Finding]) -> bool:
    """Return whether no finding is an error."""
    return all(each.level != ERROR for each in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """Return the report as JSON."""
    return json.dumps({"ok": is_ok(findings), "findings": [asdict(each) for each in findings]}, indent=2) + "\n"


def scopes(needs: Iterable[ScopeRequirement], permissions: Sequence[str]) -> list[Finding]:
    """Return what the key may do with each kind. It is an error only if the key can read no kind."""
    kinds = list(needs)
    level = ERROR if all(missing(each.read, permissions) for each in kinds) else WARNING
    return [_scope_finding(each, permissions, level) for each in kinds]


def _scope_finding(needs: ScopeRequirement, permissions: Sequence[str], level: str) -> Finding:
    check = f"key: {needs.kind}"
    unread, unwritten = missing(needs.read, permissions), missing(needs.write, permissions)
    advice = f"to manage them, give the key {', '.join([*unread, *unwritten])} in the dashboard"
    if unread:
        return Finding(check, level, "the key may not manage these", advice)
    if unwritten:
        return Finding(check, WARNING, "the key may only read these: previews and drift work, changes do not", advice)
    return Finding(check, OK, "the key may manage these")


def missing(required: Iterable[str], permissions: Sequence[str]) -> list[str]:
    """Return the scopes that the permissions do not include. `databases:*` includes every scope of `databases:`."""
    return [each for each in required if each not in permissions and f"{each.partition(':')[0]}:*" not in permissions]


def budget(requests_per_minute: int | None, monthly_quota: int | None) -> Finding:
    """Return how many requests the key may send."""
    month = f", {monthly_quota} a month" if monthly_quota else ""
    if not requests_per_minute:
        return Finding("rate budget", OK, f"no limit of calls a minute{month}")
    text = f"{requests_per_minute} calls a minute{month}; reads share pages of 100, and waits are no errors"
    if requests_per_minute < _SCARCE:
        return Finding("rate budget", WARNING, text, "raise the key's limit in the dashboard: runs will be slow")
    return Finding("rate budget", OK, text)


ENGINES = tuple(FLOORS)


def version(engine: str, installed: tuple[int, int] | None) -> Finding:
    """Return whether an engine on PATH is new enough. `installed` is None if it printed no version."""
    if installed is None:
        return Finding(engine, ERROR, "printed no version", f"try `{engine} version`")
    text, floor = dotted(installed), FLOORS[engine]
    if installed < floor:
        return Finding(engine, ERROR, f"{text} is too old", f"install {dotted(floor)} or later")
    without = [f"{what} ({dotted(since)})" for since, what in ADDED.get(engine, ()) if installed < since]
    return Finding(engine, OK, f"{text}{'; newer ones add ' + ', '.join(without) if without else ''}")


def plugin(engine: str, places: Sequence[str], start_error: str, installed: str) -> Finding:
    """Return whether an engine finds this provider.

    It uses the first of the places. `start_error` says why that one does not start.
    """
    check, command = f"{engine}: provider", f"polykomos install {'pulumi' if engine == 'pulumi' else 'terraform'}"
    if not places:
        return Finding(check, ERROR, "is not where the engine looks", f"run `{command}` (or with --project)")
    if start_error:
        return Finding(check, ERROR, f"{places[0]} does not start: {start_error}", f"run `{command}` once more")
    return Finding(check, OK, f"{places[0]} starts (version {installed} is installed here)")


def with_severity(by_engine: Mapping[str, Sequence[Finding]], required: Sequence[str]) -> list[Finding]:
    """Return the findings of all engines; errors that do not prevent work become warnings.

    An engine that is not on PATH has no findings. If none is required, any one engine must work.
    """
    if not by_engine:
        return []
    works = any(findings and is_ok(findings) for findings in by_engine.values())
    every = [each for findings in by_engine.values() for each in findings]
    if required:
        return every + [_absent(name) for name in required if not by_engine[name]]
    if not every:
        least = ", ".join(f"{name} {dotted(floor)}" for name, floor in FLOORS.items())
        return [Finding("engines", ERROR, "none is on PATH", f"install one of {least}, or later")]
    return [_as_warning(each) for each in every] if works else every


def _absent(engine: str) -> Finding:
    return Finding(engine, ERROR, "is not on PATH", f"install {dotted(FLOORS[engine])} or later")


def _as_warning(finding: Finding) -> Finding:
    if finding.level != ERROR:
        return finding
    return Finding(finding.check, WARNING, finding.text, finding.advice)
