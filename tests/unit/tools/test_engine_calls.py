"""docs/engine-calls.md: a protocol's new name needs a row, and a row names a test that exists."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from support.readme import ROOT

FILE = ROOT / "tools" / "generate" / "engine_calls.py"
_SPEC = importlib.util.spec_from_file_location("engine_calls", FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
engine_calls = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(engine_calls)
ROWS = tomllib.loads(FILE.with_suffix(".toml").read_text(encoding="utf-8"))
PROTOCOL = engine_calls.members()
SERVICE = "pulumirpc.ResourceProvider"
SERVED = {"does": "It is served.", "test": "unit/tools/test_engine_calls.py::test_the_rows_are_those_of_the_protocols"}


def found(change: Callable[[Any, Any], object]) -> list[str]:
    """What is wrong after a change of the rows and of what the protocols have."""
    rows = {section: dict(given) for section, given in ROWS.items()}
    protocol = {section: list(names) for section, names in PROTOCOL.items()}
    change(rows, protocol)
    return list(engine_calls.problems(rows, protocol))


def test_the_rows_are_those_of_the_protocols() -> None:
    assert found(lambda rows, protocol: None) == []
    assert found(lambda rows, protocol: rows[SERVICE].update(Check=SERVED)) == []
    assert {"Handshake", "List"} <= set(PROTOCOL[SERVICE])
    assert "store_planned_private" in PROTOCOL["tfplugin6.ClientCapabilities"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows, protocol: protocol[SERVICE].append("Newer"), "Newer has no row in engine_calls.toml"),
        (lambda rows, protocol: rows.pop(SERVICE), "Handshake has no row in engine_calls.toml"),
        (lambda rows, protocol: rows[SERVICE].update(Gone=SERVED), "Gone has a row, and the protocol has no such name"),
        (
            lambda rows, protocol: rows[SERVICE].update(
                Check={**SERVED, "test": "engines/test_database.py::test_gone"}
            ),
            "Check: there is no test engines/test_database.py::test_gone",
        ),
        (
            lambda rows, protocol: rows[SERVICE].update(Check={**SERVED, "test": "engines/test_gone.py::test_gone"}),
            "Check: there is no test engines/test_gone.py::test_gone",
        ),
        (
            lambda rows, protocol: rows[SERVICE].update(Check={"does": "It is served."}),
            "Check: one of `does` and `refused`, and one of `test` and `nobody`",
        ),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[Any, Any], object], problem: str) -> None:
    assert f"{SERVICE}.{problem}" in found(change)
