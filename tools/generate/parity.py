"""docs/parity.md: each documented operation and status, and each fact of the API, with the tests that prove it.

Operations come from a recorded run of the contract suite (`make parity`), facts from the tests' markers.
"""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "parity.md"
RECORDING = "POLYKOMOS_PARITY"
FOLDERS = ("tests/contract", "tests/unit/controlplane")
FACTS = "## Facts\n"

# What is being built: a fact or an operation, and why nothing proves it yet. Statuses of a pending operation that a
# test has seen are named all the same.
PENDING: dict[str, str] = {}
# Words in the names of tests that are about a status.
_ABOUT = {
    201: ("ready_to_use", "shown_once", "fields"),
    202: ("without_wait", "outlasts"),
    400: ("malformed_json",),
    401: ("without_the_header",),
    403: ("without_scopes",),
    404: ("absent_object", "gone"),
    409: ("conflict",),
    413: ("oversize",),
    422: ("wrong_value", "missing_field", "without_a_key", "wrong_limit", "revoked"),
    429: ("it_holds_for_every_operation",),
}
# Modules whose tests are of refusals that all operations share.
_REFUSALS = ("test_auth_and_scopes.py", "test_bad_input.py", "test_idempotency.py", "test_routes_and_order.py")
# Calls of these are made up at random: what they meet is another thing in every run.
_RANDOM = ("test_schemathesis.py", "test_state_machine.py")


class Seen(NamedTuple):
    """A response that a test got: test is a pytest id, with its parameters."""

    test: str
    operation: str
    status: int


class Documented(NamedTuple):
    """An operation of the served OpenAPI document and the statuses that it may answer with."""

    name: str
    method: str
    path: str
    statuses: tuple[int, ...]


def page() -> dict[Path, str]:
    """docs/parity.md. Without a recording its part on operations stays as it is."""
    recording = os.environ.get(RECORDING)
    if recording:
        lines = Path(recording).read_text(encoding="utf-8").splitlines()
        head = _HEAD + operations_part(documented(), list(seen(lines, documented())))
    else:
        head = PAGE.read_text(encoding="utf-8").partition(FACTS)[0]
    return {PAGE: head + facts_part()}


def documented() -> list[Documented]:
    """Return the operations of openapi.json, by their ids."""
    text = (ROOT / "provider/controlplane/openapi/openapi.json").read_text(encoding="utf-8")
    found = [
        Documented(operation["operationId"], method.upper(), path, tuple(sorted(map(int, operation["responses"]))))
        for path, item in json.loads(text)["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    return sorted(found, key=lambda operation: (operation.path, operation.method))


def seen(lines: Iterable[str], operations: list[Documented]) -> Iterator[Seen]:
    """Return the recorded lines of operations, without others (wrong methods, the admin API)."""
    patterns = [(each, re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(each.path)))) for each in operations]
    for line in lines:
        test, method, path, status = json.loads(line)
        for operation, pattern in patterns:
            if operation.method == method and pattern.fullmatch(path):
                yield Seen(test, operation.name, status)


def operations_part(operations: list[Documented], responses: list[Seen]) -> str:
    """Return a row for every operation and status.

    Raises SystemExit naming what no test has seen and is not pending.
    """
    rows, missing = [], []
    for operation in operations:
        for status in operation.statuses:
            tests = {r.test for r in responses if (r.operation, r.status) == (operation.name, status)}
            if tests:
                proof = _link(min(tests, key=lambda test: _distance(test, operation, status)).partition("[")[0])
            else:
                proof = "pending"
                missing += [f"{operation.name} {status}"] if operation.name not in PENDING else []
            rows.append(f"| `{operation.name}` | `{operation.method} {operation.path}` | {status} | {proof} |")
    if missing:
        raise SystemExit("No test of the recorded run has seen: " + ", ".join(missing))
    return "\n".join(["| operation | call | status | seen by |", "|---|---|---|---|", *rows, "", ""])


def _distance(test: str, operation: Documented, status: int) -> tuple[Any, ...]:
    """How far a test is from being about an operation and a status; the smallest wins, in every run the same."""
    path, _, name = test.partition("::")
    function, _, parameters = name.partition("[")
    module = Path(path).name
    named = [word.rstrip("s") for word in re.split(r"[_.]", module + "." + function)]
    about = sum(word.lower().rstrip("s") in named for word in re.findall(r"[A-Z]?[a-z]+", operation.name))
    about += len({"page", "paging"} & set(named)) if operation.name.startswith("list") else 0
    is_its_case = operation.name in re.split(r"[-\[\]]", parameters)
    is_of_status = str(status) in function or any(word in function for word in _ABOUT.get(status, ()))
    if status < 400:  # where every operation is refused in some way, few are about its success
        return module in _RANDOM, not is_of_status, -about, module in _REFUSALS, not is_its_case, path, function
    return module in _RANDOM, not is_of_status, not is_its_case, -about, path, function


def facts_part() -> str:
    """Return the tables of facts and of what is pending, from the markers and facts.toml.

    Raises SystemExit for a marker without a sentence, and for a fact without test or note.
    """
    sections = tomllib.loads((ROOT / "tools/generate/facts.toml").read_text(encoding="utf-8"))
    proofs = marked()
    known = {fact for facts in sections.values() for fact in facts}
    wrong = [f"{fact}: marked at {tests[0]}, not in facts.toml" for fact, tests in proofs.items() if fact not in known]
    parts = [FACTS]
    for title, facts in sections.items():
        parts += [f"### {title}\n", "| fact | what holds | proved by |", "|---|---|---|"]
        for fact, text in facts.items():
            # A list: what holds, and why there is nothing to prove.
            sentence, note = (text, "") if isinstance(text, str) else text
            proof = "<br>".join(map(_link, proofs.get(fact, ()))) or note or ("pending" if fact in PENDING else "")
            wrong += [] if proof else [f"{fact}: no test has its marker"]
            parts.append(f"| {fact} | {sentence} | {proof} |")
        parts.append("")
    if wrong:
        raise SystemExit("\n".join(wrong))
    pending = [f"- {name}: {sentence}" for name, sentence in PENDING.items()] or ["Nothing."]
    return "\n".join([*parts, "## Pending\n", *pending, ""])


def marked() -> dict[str, list[str]]:
    """Fact to the ids of the tests that `pytest.mark.facts` names for it, in order; nothing is run."""
    found: dict[str, list[str]] = {}
    for test, node in tests():
        for fact in _marks(node):
            found.setdefault(fact, []).append(test)
    return found


def tests() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every test of FOLDERS: its id and its definition."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("test_*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    yield f"{path.relative_to(ROOT).as_posix()}::{node.name}", node


def _marks(node: ast.FunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.facts":
            yield from map(ast.literal_eval, decorator.args)


def _link(test: str) -> str:
    return f"[`{test.removeprefix('tests/')}`](../{test.partition('::')[0]})"


_HEAD = """<!-- Written by `make parity`; not to be edited. -->

# What is proved, and by which test

The reference control plane against the published API: every operation with every status that its
[document](openapi-overlay.md) names, and every fact, contradiction (C) and silence (S) of the service's two references.

## Operations

Recorded from a run of the contract tests against running control planes: one test that really got the status.

"""
