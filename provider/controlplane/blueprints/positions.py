"""Positions in a text as lines and columns. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import Final, NamedTuple

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_LISTED: Final = 5  # further lines that a problem names


class Problem(NamedTuple):
    """A problem at a position of a text."""

    at: int  # offset in characters
    text: str
    kind: str = ""  # problems of the same kind, if not empty, are shown as one: the first, and the other lines


class LineIndex:
    """Index of the lines of a text, counted from 1. It is built on first use."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(line_end.end() for line_end in _LINE_END.finditer(self._text))]

    def line(self, offset: int) -> int:
        """Return the number of the line that contains the offset."""
        return bisect_right(self._starts, offset)

    def place(self, offset: int) -> str:
        """Return an offset as text, such as `line 3, column 1`."""
        line = self.line(offset)
        return f"line {line}, column {offset - self._starts[line - 1] + 1}"

    def shown(self, problems: list[Problem]) -> list[str]:
        """Return the problems in the order of the text, each with its line and column."""
        groups: dict[str, list[Problem]] = {}
        for number, problem in enumerate(sorted(problems, key=lambda problem: problem.at)):
            groups.setdefault(problem.kind or f"#{number}", []).append(problem)
        return [self._shown(group) for group in groups.values()]

    def _shown(self, group: list[Problem]) -> str:
        first, *others = group
        text = f"{self.place(first.at)}: {first.text}"
        if not others:
            return text
        lines = list(dict.fromkeys(str(self.line(problem.at)) for problem in others))
        more = len(lines) - _LISTED
        listed = ", ".join(lines[:_LISTED]) + (f" and {more} more" if more > 0 else "")
        return f"{text} (the same in line{'s' if len(lines) > 1 else ''} {listed})"
