"""The kit's tutorial, run as it is written: a provider from nothing to `up`, `plan`, import, tests and pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.readme import ROOT, Session, blocks

pytestmark = pytest.mark.engine


def test_the_tutorial(tmp_path: Path) -> None:
    page = ROOT / "docs" / "kit" / "tutorial.md"
    (tmp_path / "home").mkdir()
    with Session(tmp_path / "home", {}) as shell:
        printed = shell.follow(blocks(page))
    text = "\n".join(printed)
    assert "buy beer" in text, "the preview shows what was changed by hand"
    assert "todo:index:Item by-hand import" in text
    assert "Apply complete! Resources: 1 added" in text
    assert "1 passed" in text
    assert "item.md" in text
