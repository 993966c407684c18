"""Each guarantee of docs/guarantees.md names a test, and each test that the page names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("\n## Limits")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| condition and effect")
]


def named_in(cell: str) -> tuple[list[str], list[str]]:
    """Return the test functions and the paths that a cell names."""
    return re.findall(r"`(test_\w+)`", cell), re.findall(r"\btests/[\w/.]*\w", cell)


def test_each_guarantee_names_a_test() -> None:
    assert len(ROWS) > 25, "the tables were not found"
    assert [row[0] for row in ROWS if len(row) != 4 or not any(named_in(row[3]))] == []


def test_each_named_test_exists() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^\s*(?:async )?def (test_\w+)\(", sources, re.MULTILINE))
    functions = {name for row in ROWS for name in named_in(row[3])[0]}
    paths = {path for row in ROWS for path in named_in(row[3])[1]}
    assert functions - defined == set()
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_a_name_that_does_not_exist_is_noticed() -> None:
    assert named_in("`test_of_something`, tests/unit/test_x.py, and tests/upgrades.") == (
        ["test_of_something"],
        ["tests/unit/test_x.py", "tests/upgrades"],
    )
