"""docs/benchmarks.md: every bench rewrites its own section and leaves the others alone."""

from __future__ import annotations

import datetime
import os
import platform
import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Written by `make bench`. Every figure stands beside one that was measured in the same run on the same machine, in turn;
compare the ratios, not the milliseconds of one machine with those of another.
"""
_COLUMNS = ("what", "measured", "beside it", "ratio", "target")


class Report:
    """One section: a title, what it measures, rows. Rows are printed as they come."""

    def __init__(self, title: str, about: str) -> None:
        self._title = title
        self._lines = [about, ""]
        self._in_table = False
        print(f"{title}: {about}")

    def row(self, what: str, measured: str, beside: str = "", ratio: float | None = None, target: str = "") -> None:
        """One measurement. ratio: of the measured to what is beside it."""
        cells = (what, measured, beside, "" if ratio is None else f"{ratio:.2f}x", target)
        if not self._in_table:
            self.table(_COLUMNS)
            self._in_table = True
        print("  " + ", ".join(cell for cell in cells if cell), flush=True)
        self._lines.append("| " + " | ".join(cells) + " |")

    def table(self, columns: tuple[str, ...]) -> None:
        """Begin a table; rows follow by `cells`."""
        self._lines += ["", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]

    def cells(self, *cells: object) -> None:
        """A row of the table that `table` began."""
        print("  " + ", ".join(map(str, cells)), flush=True)
        self._lines.append("| " + " | ".join(map(str, cells)) + " |")

    def text(self, text: str) -> None:
        """A paragraph, such as a link to a plot."""
        self._in_table = False
        self._lines += ["", text]

    def write(self) -> None:
        """Put the section in its place in the document."""
        today = datetime.datetime.now(tz=datetime.UTC).date()
        where = f"{today}, {os.cpu_count()} cores, Python {platform.python_version()}."
        body = "\n".join((f"## {self._title}", "", *self._lines, "", where, ""))
        body = re.sub(r"\n{3,}", "\n\n", body)
        text = DOCUMENT.read_text() if DOCUMENT.exists() else _HEAD
        section = re.compile(rf"^## {re.escape(self._title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
        text = section.sub(lambda _: body + "\n", text) if section.search(text) else f"{text}\n{body}"
        DOCUMENT.write_text(text.rstrip() + "\n")
