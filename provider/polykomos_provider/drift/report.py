"""The report on drift for people: on a terminal, and in Markdown for a pull request or a job's summary."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import click

from polykomos_provider.drift.drift import GONE, Change, Drift
from polykomos_provider.output import one_line

_VALUE_CHARACTERS = 60


def headline(drifts: Sequence[Drift]) -> str:
    """Return the summary, in one line."""
    if not drifts:
        return "No drift: everything is as it was left."
    gone = sum(each.what == GONE for each in drifts)
    parts = [f"{count} {word}" for count, word in ((len(drifts) - gone, "changed"), (gone, "gone")) if count]
    return f"Drift: {', '.join(parts)}."


def as_text(drifts: Sequence[Drift]) -> str:
    """Return the report for a terminal. Elsewhere, click removes the colours."""
    lines = [click.style(headline(drifts), bold=True, fg="yellow" if drifts else "green")]
    for each in drifts:
        mark = click.style("-", fg="red") if each.what == GONE else click.style("~", fg="yellow")
        gone = ": gone" if each.what == GONE else ""
        lines.append(f"  {mark} {one_line(each.name)} ({each.type}){gone}")
        lines += [f"      {change.name}: {_values(change)}" for change in each.changes]
    return "\n".join(lines) + "\n"


def as_markdown(drifts: Sequence[Drift], title: str) -> str:
    """Return the report as Markdown, for CI."""
    lines = [f"### {title}", "", headline(drifts)]
    if drifts:
        lines += ["", "| Resource | Type | | Property | Was | Is |", "|---|---|---|---|---|---|"]
    for each in drifts:
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
    """Return a value on one line, with at most 60 characters."""
    text = one_line(json.dumps(value, ensure_ascii=False)) if value is not None else "(none)"
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[: _VALUE_CHARACTERS - 1]}…"


def _code(text: str) -> str:
    """Return inline code for a table cell. Bars are escaped, and backticks in the text do not end the code."""
    plain = one_line(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{plain}{space}{fence}"
