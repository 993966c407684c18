"""The kit's reference pages: complete, and every example runs."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import resourcekit.fields
from resourcekit.resource import Resource

KIT = Path(__file__).resolve().parents[2] / "docs" / "kit"
# Not markers: the bases of models, and what reads the markers.
BASES = {"Arguments", "Result", "FieldSpec"}


def text(page: str) -> str:
    return (KIT / f"{page}.md").read_text(encoding="utf-8")


def headings(page: str) -> list[str]:
    return re.findall(r"^## (.+)$", text(page), re.MULTILINE)


def test_every_marker_has_a_section() -> None:
    declared = {
        name
        for name, value in vars(resourcekit.fields).items()
        if inspect.isclass(value) and value.__module__ == "resourcekit.fields"
    }
    assert set(headings("markers")) == (declared - BASES) | {"Validator"}


def test_every_hook_has_a_section() -> None:
    hooks = {name for name, value in vars(Resource).items() if inspect.isfunction(value)}
    assert hooks <= set(headings("hooks"))


@pytest.mark.parametrize("page", ["markers", "hooks"])
def test_every_example_runs(page: str) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL):
        exec(compile(block, f"{page}.md", "exec", dont_inherit=True), names)
    assert names
