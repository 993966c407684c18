"""The report for people: on a terminal, and in Markdown for a pull request or a job's summary."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import click

from polykomos_provider.drift.drift import GONE, Change, Drift
from polykomos_provider.output import one_line

_VALUE_CHARACTERS = 60


def headline(found: Sequence[Drift]) -> str:
    """The whole in one line."""
    if not found:
        return "No drift: everything is as it was left."
    gone = sum(each.what == GONE for each in found)
    parts = [f"{count} {word}" for count, word in ((len(found) - gone, "changed"), (gone, "gone")) if count]
    return f"Drift: {', '.join(parts)}."


def as_text(found: Sequence[Drift]) -> str:
    """For a terminal; click leaves the colours out elsewhere."""
    lines = [click.style(headline(found), bold=True, fg="yellow" if found else "green")]
    for each in found:
        mark = click.style("-", fg="red") if each.what == GONE else click.style("~", fg="yellow")
        gone = ": gone" if each.what == GONE else ""
        lines.append(f"  {mark} {one_line(each.name)} ({each.type}){gone}")
        lines += [f"      {change.name}: {_values(change)}" for change in each.changes]
    return "\n".join(lines) + "\n"


def as_markdown(found: Sequence[Drift], title: str) -> str:
    """For a report in CI."""
    lines = [f"### {title}", "", headline(found)]
    if found:
        lines += ["", "| Resource | Type | | Property | Was | Is |", "|---|---|---|---|---|---|"]
    for each in found:
        for change in each.changes or (None,):
            cells = [_code(each.name), _code(each.type), each.what, *_cells(change)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cells(change: Change | None) -> list[str]:
    if change is None:
        return ["", "", ""]
    if change.secret:
        return [_code(change.name), "(secret)", "(secret)"]
    return [_code(change.name), _code(shown(change.before)), _code(shown(change.after))]


def _values(change: Change) -> str:
    return "(secret) changed" if change.secret else f"{shown(change.before)} -> {shown(change.after)}"


def shown(value: Any) -> str:
    """A value on one line, cut where it is long."""
    text = one_line(json.dumps(value, ensure_ascii=False)) if value is not None else "(none)"
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[: _VALUE_CHARACTERS - 1]}…"


def _code(text: str) -> str:
    """Inline code in a table: no bar ends the cell, no backtick the code, and no text becomes markup."""
    plain = one_line(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{plain}{space}{fence}"
