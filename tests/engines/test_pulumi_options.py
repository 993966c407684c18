"""Pulumi's resource options for every resource, of the native provider and of the dynamic one: one table, one stack.

The stack goes through three programs: everything, everything changed, and what has an option about deletion left out.
The tests look at what the engine and the API did.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.broken_creates import there
from support.control_plane import ControlPlane
from support.pulumi import Result, Stack
from support.sdk import python_path

pytestmark = pytest.mark.xdist_group("options")

KINDS = ("databases", "blueprints", "webhook_endpoints")
SQL = "SELECT {{n}}"
PROGRAM = Path(__file__).parents[1] / "support" / "options_program.py"


@dataclass(frozen=True)
class Case:
    """A resource: what it is made with, what changes, and the name of what changes as the engine has it.

    child: of a component, the part that has the changed property. replaces: the change replaces it by itself.
    """

    kind: str
    arguments: dict[str, Any]
    changed: dict[str, Any]
    property: str
    module: str = "native"
    child: str = ""
    replaces: bool = False


def cases(module: str) -> list[Case]:
    """The four resources of a provider."""
    camel = module == "native"
    return [
        Case(
            "Database", {"name": "{name}", "connection_hard_limit": 5}, {"connection_hard_limit": 7},
            "connectionHardLimit" if camel else "connection_hard_limit", module,
        ),
        Case(
            "Blueprint", {"name": "{name}", "sql_content": "SELECT 1", "description": "old"}, {"description": "new"},
            "description", module,
        ),
        Case(
            "BlueprintApplication",
            {
                "database_uuid": {"of": "host", "name": "uuid"},
                "blueprint_uuid": {"of": "sql", "name": "uuid"},
                "variables": {"n": "{name}"},
            },
            {"variables": {"n": "{name}-new"}}, "variables", module, replaces=True,
        ),
        Case(
            "WebhookEndpoint", {"url": "https://hooks.example.com/{name}"},
            {"url": "https://hooks.example.com/{name}/new"}, "url", module, replaces=True,
        ),
    ]  # fmt: skip


MANAGED = Case(
    "ManagedDatabase", {"name": "{name}", "connection_hard_limit": 5}, {"connection_hard_limit": 7},
    "connectionHardLimit", child="-database",
)  # fmt: skip
CASES = [*cases("native"), MANAGED, *cases("dynamic")]
# By name: the options, the cases that they are for, and whether the resource is in the third program.
OPTIONS: dict[str, Any] = {
    "ignore_changes": (lambda case: {"ignore_changes": [case.property]}, CASES, True),
    "replace_on_changes": (lambda case: {"replace_on_changes": [case.property]}, CASES, True),
    # No component hands this one on to its parts.
    "delete_before_replace": (
        lambda case: {"replace_on_changes": [case.property], "delete_before_replace": True},
        [case for case in CASES if case is not MANAGED],
        True,
    ),
    "retain_on_delete": (lambda case: {"retain_on_delete": True}, CASES, False),
    "deleted_with": (lambda case: {"deleted_with": {"of": "gone"}}, CASES, False),
    "protect": (lambda case: {"protect": True}, CASES, True),
    "transforms": (lambda case: {"transforms": [_changed(case, "{name}")]}, CASES, True),
    # Renamed by the second program.
    "aliases": (lambda _: {}, CASES, True),
}
UNCHANGED = ("transforms", "aliases")
# What a change of a property is in the engine's own spelling, for a transform.
TABLE = [pytest.param(option, case, id=f"{option}-{case.module}-{case.kind}") for option in OPTIONS for case in CASES
         if case in OPTIONS[option][1]]  # fmt: skip


def _changed(case: Case, name: str) -> dict[str, Any]:
    (given,) = case.changed.values()
    return {case.property: _named(given, name)}


def _named(given: Any, name: str) -> Any:
    return json.loads(json.dumps(given).replace("{name}", name))


def name_of(option: str, case: Case) -> str:
    return f"{option.replace('_', '-')}-{case.module}-{case.kind.lower()}"[:60]


def entry(option: str, case: Case, *, changed: bool, options: dict[str, Any] | None = None) -> dict[str, Any]:
    name = name_of(option, case)
    given = {**case.arguments, **(case.changed if changed and option not in UNCHANGED else {})}
    own = OPTIONS[option][0](case) if options is None else options
    is_renamed = changed and option == "aliases"
    return {
        "name": f"{name}-renamed" if is_renamed else name, "kind": case.kind, "module": case.module,
        "arguments": _named(given, name), "options": {"aliases": [name]} if is_renamed else _named(own, name),
    }  # fmt: skip


def shared(*, gone: bool) -> list[dict[str, Any]]:
    """What the others refer to."""
    bare: dict[str, Any] = {"module": "native", "options": {}}
    variables = {"n": {"type": "string"}}
    found = [
        {**bare, "name": "host", "kind": "Database", "arguments": {"name": "host"}},
        {
            **bare, "name": "sql", "kind": "Blueprint",
            "arguments": {"name": "sql", "sql_content": SQL, "variables": variables},
        },
    ]  # fmt: skip
    return found if gone else [*found, {**bare, "name": "gone", "kind": "Database", "arguments": {"name": "gone"}}]


@dataclass
class Run:
    """What the three programs did."""

    stack: Stack
    ids: list[dict[str, str]]
    states: list[dict[str, Any]]
    changed: Result
    protected: Result
    before: set[str]
    after: set[str]


@pytest.fixture(scope="module")
def run(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    directory = tmp_path_factory.mktemp("options")
    env = {"POLYKOMOS_BASE_URL": control_plane.base_url, "POLYKOMOS_API_KEY": control_plane.api_key}
    stack = Stack(directory / "stack", {**env, "PYTHONPATH": python_path()}, runtime="python", quick=True)
    shutil.copy(PROGRAM, stack.directory / "__main__.py")
    every = [(option, case) for option, (_, found, _) in OPTIONS.items() for case in found]

    def write(entries: list[dict[str, Any]]) -> None:
        (stack.directory / "resources.json").write_text(json.dumps(entries))

    write([*shared(gone=False), *(entry(option, case, changed=False) for option, case in every)])
    stack.up()
    first = stack.state()["deployment"]["resources"]
    write([*shared(gone=False), *(entry(option, case, changed=option != "protect") for option, case in every)])
    changed = stack.up()
    second = stack.state()["deployment"]["resources"]
    before = objects(control_plane)
    kept = [(option, case) for option, case in every if OPTIONS[option][2]]
    unprotected = [*shared(gone=True), *(entry(o, c, changed=True) for o, c in kept if o != "protect")]
    write(unprotected)
    protected = stack.preview(ok=False)
    rest = [entry(o, c, changed=True) for o, c in kept if o != "protect"]
    write([*shared(gone=True), *rest, *(entry("protect", case, changed=False) for case in CASES)])
    stack.up()
    after = objects(control_plane)
    yield Run(stack, [_ids(first), _ids(second)], [*_states(first, second)], changed, protected, before, after)
    write([*shared(gone=True), *(entry("protect", case, changed=False, options={}) for case in CASES)])
    stack.up()
    stack.destroy()


def objects(plane: ControlPlane) -> set[str]:
    return {str(each) for kind in KINDS for each in there(plane, kind)}


def _ids(resources: list[dict[str, Any]]) -> dict[str, str]:
    return {each["urn"].rpartition("::")[2]: each["id"] for each in resources if each.get("id")}


def _states(*states: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for resources in states:
        yield {each["urn"].rpartition("::")[2]: each.get("inputs") or {} for each in resources}


@pytest.mark.parametrize(("option", "case"), TABLE)
def test_an_option(run: Run, option: str, case: Case) -> None:
    name = name_of(option, case) + case.child
    later = f"{name_of(option, case)}-renamed{case.child}" if option == "aliases" else name
    first, second = run.ids[0][name], run.ids[1][later]
    ops = run.changed.ops.get(name, "").split("+")
    is_object = case.kind != "BlueprintApplication"
    match option:
        case "ignore_changes":
            assert ops == [""]
            assert first == second
        case "aliases":
            assert run.changed.ops.get(later, "") == ""
            assert first == second
        case "replace_on_changes":
            assert first != second
            assert ops.index("create-replacement") < ops.index("delete-replaced")
            assert not is_object or (second in run.before and first not in run.before)
        case "delete_before_replace":
            assert first != second
            assert ops.index("delete-replaced") < ops.index("create-replacement")
            assert not is_object or (second in run.before and first not in run.before)
        case "retain_on_delete" | "deleted_with":
            # The engine forgets it without a call, so the object stays.
            assert name not in _ids(run.stack.state()["deployment"]["resources"])
            assert not is_object or second in run.after
        case "protect":
            assert f"::{name}" in run.protected.output or name in run.protected.diagnostics
            assert not is_object or second in run.after
        case "transforms":
            wanted = _changed(case, name_of(option, case))
            assert wanted.items() <= run.states[0][name].items()
            assert first == second
