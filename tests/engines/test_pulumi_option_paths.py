"""Property paths in Pulumi's `ignoreChanges` and `replaceOnChanges`: they name what is at the path and nothing else.

One stack, for the native provider, the dynamic one and the component: everything is made, then everything a path is
near to is changed; then blueprints are changed at the API, and the program once more after a refresh.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import ControlPlane
from support.pulumi import Result, Stack
from support.sdk import python_path

PROGRAM = Path(__file__).parents[1] / "support" / "options_program.py"
SECRET_MARK = "4dabf18193072939515e22adb298388d"  # of the engine's states
BOTH = ("native", "dynamic")
KEPT = "CREATE TABLE IF NOT EXISTS kept (a text, b text); INSERT INTO kept VALUES ({{a}}, {{b}});"


@dataclass(frozen=True)
class Case:
    """A resource, what changes of its arguments, and its options."""

    kind: str
    arguments: dict[str, Any]
    changed: dict[str, Any]
    options: dict[str, Any]
    module: str = "native"

    @property
    def name(self) -> str:
        option = next(iter(self.options))
        path = "".join(letter if letter.isalnum() else "-" for letter in "".join(self.options[option]))
        return f"{self.module}-{self.kind}-{option}-{path}".replace("_", "-").lower()


def definitions(a: str, b: str, **more: str) -> dict[str, Any]:
    return {"a": {"default": a, **more}, "b": {"default": b}}


def blueprint(module: str, paths: list[str], option: str = "ignore_changes", **changed: Any) -> Case:
    sql = {"name": "paths", "sql_content": "SELECT {{a}}, {{b}}"}
    return Case("Blueprint", {**sql, "variables": definitions("1", "1")}, changed, {option: paths}, module)


def new(a: str = "2", b: str = "2", **more: str) -> dict[str, Any]:
    return {"variables": definitions(a, b, **more)}


IGNORED = [
    case
    for module in BOTH
    for case in (
        blueprint(module, ["variables.a"], **new(), description="new"),
        blueprint(module, ['variables["a"].default'], **new(description="new")),
        blueprint(module, ["variables.*"], **new(), description="new"),
        blueprint(module, ["*"], **new(), description="new"),
    )
]
# What a blueprint has in the end: its variables `a` and `b`, its description and that of `a`.
SHOWN: dict[str, tuple[str, str, str | None, str | None]] = {
    "variables.a": ("1", "2", "new", None),
    'variables["a"].default': ("1", "2", None, "new"),
    "variables.*": ("1", "1", "new", None),
    "*": ("1", "1", None, None),
}
REPLACED = [
    (blueprint(module, ["variables.a"], "replace_on_changes", **changed), replaced)
    for module in BOTH
    for changed, replaced in ((new(a="1"), False), (new(b="1"), True))
]
APPLICATION = {
    "database_uuid": {"of": "host", "name": "uuid"},
    "blueprint_uuid": {"of": "kept", "name": "uuid"},
}
EVENTS = ["database.deleted", "database.provisioned"]
UNCHANGED = [
    case
    for module in BOTH
    for case in (
        Case(
            "WebhookEndpoint",
            {"url": f"https://hooks.example.com/{module}", "events": EVENTS},
            {"events": ["database.provisioning_started", EVENTS[1]]},
            {"ignore_changes": ["events[0]"]},
            module,
        ),
        Case(
            "BlueprintApplication",
            {**APPLICATION, "variables": {"a": "old", "b": module}},
            {"variables": {"a": "new", "b": module}},
            {"ignore_changes": ["variables.a"]},
            module,
        ),
        Case(
            "Database",
            {
                "name": f"paths-{module}",
                "blueprint_uuid": {"of": "kept", "name": "uuid"},
                "blueprint_variables": {"a": "old", "b": "old"},
            },
            {"blueprint_variables": {"a": "new", "b": "old"}},
            {"ignore_changes": ["blueprintVariables.a" if module == "native" else "blueprint_variables.a"]},
            module,
        ),
    )
]
ENTRY = {
    "blueprint_uuid": {"of": "kept", "name": "uuid"},
    "blueprint_version": {"of": "kept", "name": "version"},
}
MANAGED = [
    Case(
        "ManagedDatabase",
        {
            "name": "paths-managed",
            "connection_hard_limit": 5,
            "blueprints": [{**ENTRY, "variables": {"a": "old", "b": "old"}}],
            "webhook": {"url": "https://hooks.example.com/managed", "events": EVENTS},
        },
        {
            "connection_hard_limit": 7,
            "blueprints": [{**ENTRY, "variables": {"a": "new", "b": "old"}}],
            "webhook": {"url": "https://hooks.example.com/new", "events": EVENTS},
        },
        options,
    )
    for options in (
        {"ignore_changes": ["webhook.url", "blueprints[0].variables.a"], "additional_secret_outputs": ["endpoint"]},
        {"ignore_changes": ["*"]},
    )
]
CASES = [*IGNORED, *(case for case, _ in REPLACED), *UNCHANGED, *MANAGED]


def entry(case: Case, number: int, *, changed: bool) -> dict[str, Any]:
    arguments = {**case.arguments, **(case.changed if changed else {})}
    return {
        "name": f"{case.name}-{number}", "kind": case.kind, "module": case.module, "arguments": arguments,
        "options": case.options,
    }  # fmt: skip


def shared() -> list[dict[str, Any]]:
    bare: dict[str, Any] = {"module": "native", "options": {}}
    sql = {"name": "kept", "sql_content": KEPT, "variables": {"a": {"type": "string"}, "b": {"type": "string"}}}
    return [
        {**bare, "name": "host", "kind": "Database", "arguments": {"name": "host"}},
        {**bare, "name": "kept", "kind": "Blueprint", "arguments": sql},
    ]


@dataclass
class Run:
    """What the programs did."""

    stack: Stack
    plane: ControlPlane
    first: dict[str, str]
    second: dict[str, str]
    changed: Result

    def blueprint(self, case: Case) -> tuple[Any, ...]:
        with self.plane.client() as api:
            found = api.get(f"/blueprints/{self.second[named(case)]}").json()["data"]
        a, b = (found["variables"][name] for name in "ab")
        return a["default"], b["default"], found["description"], a.get("description")


def named(case: Case) -> str:
    return f"{case.name}-{CASES.index(case)}"


@pytest.fixture(scope="module")
def run(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    directory = tmp_path_factory.mktemp("option-paths")
    env = {"POLYKOMOS_BASE_URL": control_plane.base_url, "POLYKOMOS_API_KEY": control_plane.api_key}
    stack = Stack(directory / "stack", {**env, "PYTHONPATH": python_path()}, runtime="python", quick=True)
    shutil.copy(PROGRAM, stack.directory / "__main__.py")

    def up(*, changed: bool) -> Result:
        entries = [*shared(), *(entry(case, number, changed=changed) for number, case in enumerate(CASES))]
        (stack.directory / "resources.json").write_text(json.dumps(entries))
        return stack.up()

    up(changed=False)
    first = ids(stack)
    changed = up(changed=True)
    yield Run(stack, control_plane, first, ids(stack), changed)
    stack.destroy()


def ids(stack: Stack) -> dict[str, str]:
    resources = stack.state()["deployment"]["resources"]
    return {each["urn"].rpartition("::")[2]: each["id"] for each in resources if each.get("id")}


def by_name(cases: list[Any]) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(each, id=each.name) for each in cases])


@by_name(IGNORED)
def test_what_is_beside_an_ignored_path_is_applied(run: Run, case: Case) -> None:
    assert run.first[named(case)] == run.second[named(case)]
    assert run.blueprint(case) == SHOWN[case.options["ignore_changes"][0]]


@pytest.mark.parametrize(
    ("case", "replaced"), [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in REPLACED]
)
def test_a_path_replaces_when_what_is_there_changes(run: Run, case: Case, replaced: bool) -> None:
    assert (run.first[named(case)] != run.second[named(case)]) is replaced


@by_name(UNCHANGED)
def test_a_change_of_an_ignored_path_alone_is_none(run: Run, case: Case) -> None:
    assert run.changed.ops.get(named(case), "") == ""
    assert run.first[named(case)] == run.second[named(case)]


@by_name(MANAGED)
def test_a_component_hands_paths_on_to_what_it_is_made_of(run: Run, case: Case) -> None:
    children = {name: one for name, one in run.second.items() if name.startswith(named(case))}
    assert len(children) == 3
    assert children.items() <= run.first.items(), "none is replaced"
    updated = {name for name, op in run.changed.ops.items() if name in children and op}
    whole = case.options["ignore_changes"] == ["*"]
    assert updated == (set() if whole else {f"{named(case)}-database"})
    is_secret = SECRET_MARK in run.stack.resource(named(case))["outputs"]["endpoint"]
    assert is_secret is bool(case.options.get("additional_secret_outputs"))


def test_what_is_ignored_stays_as_a_refresh_found_it(run: Run) -> None:
    """Last: it changes `a` at the API, and then `b` in the program."""
    cases = [case for case in IGNORED if case.options["ignore_changes"] == ["variables.a"]]
    with run.plane.client() as api:
        for case in cases:
            body = {"variables": definitions("drifted", "2")}
            api.patch(f"/blueprints/{run.second[named(case)]}", json=body).raise_for_status()
    run.stack.run("refresh", "--yes")
    text = (run.stack.directory / "resources.json").read_text()
    entries = json.loads(text)
    for each in entries:
        if each["name"] in map(named, cases):
            each["arguments"]["variables"] = definitions("3", "3")
    (run.stack.directory / "resources.json").write_text(json.dumps(entries))
    run.stack.up()
    assert [run.blueprint(case)[:2] for case in cases] == [("drifted", "3")] * 2
    run.stack.assert_no_changes()
