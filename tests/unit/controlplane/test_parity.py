"""docs/parity.md says what the tests' markers and the served document say."""

from __future__ import annotations

import importlib.util
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from support import parity as recorder
from support.receiver import Receiver

ROOT = Path(__file__).resolve().parents[3]
GENERATOR = ROOT / "tools" / "generate" / "parity.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_generator", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


parity = load()
PAGE = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
OPERATIONS, FACTS = PAGE.split(parity.FACTS)
RERUN = "run `make parity`"


def test_the_facts_are_those_of_the_markers() -> None:
    assert parity.facts_part() == parity.FACTS + FACTS, "run `python tools/generate parity`"


def test_every_test_that_it_names_is_there() -> None:
    exists = {test for test, _ in parity.tests()}
    named = re.findall(r"\[`([^`]+)`\]\(\.\./([^)]+)\)", PAGE)
    assert named
    assert {f"tests/{test}" for test, _ in named} <= exists, RERUN
    for test, file in named:
        assert f"tests/{test}".partition("::")[0] == file
        assert (ROOT / file).is_file()


def test_every_documented_status_has_its_row() -> None:
    documented = {(o.name, f"{o.method} {o.path}", str(s)) for o in parity.documented() for s in o.statuses}
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (\d+) \| (\S.*) \|$", OPERATIONS, re.MULTILINE)
    assert {row[:3] for row in rows} == documented, RERUN
    assert len(rows) == len(documented)
    assert {name for name, _, _, proof in rows if proof == "pending"} <= parity.PENDING.keys()


def test_every_contradiction_and_silence_has_its_row() -> None:
    rows = re.findall(r"^\| ([CS]\d+) \|", FACTS, re.MULTILINE)
    numbers = [f"C{n}" for n in range(1, 26)] + [f"S{n}" for n in range(1, 41)]
    assert rows == numbers


@pytest.mark.parametrize(
    ("test", "operation", "status", "chosen"),
    [
        (["a/test_paging.py::test_x", "a/test_blueprints.py::test_x"], "listBlueprints", 200, 1),
        (["a/test_a.py::test_x[getMe]", "a/test_a.py::test_x_404"], "getMe", 404, 1),
        (["a/test_a.py::test_x[getMe]", "a/test_b.py::test_x[getDatabase]"], "getDatabase", 404, 1),
        (["a/test_schemathesis.py::test_getMe_404[getMe]", "a/test_z.py::test_z"], "getMe", 404, 1),
        (["a/test_b.py::test_b", "a/test_a.py::test_a"], "getMe", 200, 1),
    ],
)
def test_the_most_specific_test_is_chosen(test: list[str], operation: str, status: int, chosen: int) -> None:
    path = next(each for each in parity.documented() if each.name == operation)
    found = [parity.Seen(each, operation, status) for each in test]
    for responses in (found, found[::-1]):
        part = parity.operations_part([path._replace(statuses=(status,))], responses)
        assert test[chosen].partition("[")[0] in part


def test_an_unobserved_status_is_reported() -> None:
    with pytest.raises(SystemExit, match="getMe 429"):
        me = next(each for each in parity.documented() if each.name == "getMe")
        parity.operations_part([me], [parity.Seen("t", "getMe", status) for status in (200, 401, 403)])


def test_responses_are_recorded_by_operation() -> None:
    lines = [
        '["t", "GET", "/api/v1/databases/7f", 200]',
        '["t", "PATCH", "/api/v1/databases/7f/quotas", 404]',
        '["t", "PUT", "/api/v1/databases", 405]',
        '["t", "GET", "/_polykomos/clock", 200]',
    ]
    found = [(each.operation, each.status) for each in parity.seen(lines, parity.documented())]
    assert found == [("getDatabase", 200), ("updateDatabaseQuotas", 404)]


def test_each_response_is_a_line_of_the_recording(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(parity.RECORDING, raising=False)
    assert recorder.hooks() == {}
    monkeypatch.setenv(parity.RECORDING, str(tmp_path / "recording"))
    with Receiver() as receiver, httpx.Client(event_hooks=recorder.hooks(), trust_env=False) as client:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: client.post(receiver.url), range(40)))
        path = httpx.URL(receiver.url).path
    lines = (tmp_path / "recording").read_text().splitlines()
    here = f"tests/unit/controlplane/test_parity.py::{test_each_response_is_a_line_of_the_recording.__name__}"
    assert [json.loads(line) for line in lines] == [[here, "POST", path, 204]] * 40
