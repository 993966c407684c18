"""Each decision page has the same parts, and the index lists it with its status and date."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

DECISIONS = Path(__file__).resolve().parents[2] / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("0*.md"))
STATUSES = {"proposed", "accepted", "superseded", "rejected"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_all_parts_and_is_in_the_index(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    title = text.splitlines()[0].removeprefix("# ")
    assert title.startswith(f"{page.stem[:4]} ")
    header = re.search(r"^- Status: (\w+)\b.*\n- Date: ([\d-]+)$", text, re.MULTILINE)
    assert header is not None, "there is no status, or no date after it"
    assert header[1] in STATUSES
    assert date.fromisoformat(header[2])
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    row = f"| [{title}]({page.name}) | {header[1]} | {header[2]} |"
    assert row in (DECISIONS / "index.md").read_text(encoding="utf-8").splitlines()
