"""What every engine must do alike: previews that check all that an apply sends, null entries of maps, plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, create_database, new_key
from support.naming import unique
from support.plain_programs import ENGINES, PlainProgram


@pytest.fixture(params=ENGINES)
def program(request: pytest.FixtureRequest, tmp_path: Path, connection: dict[str, str], attached: str) -> PlainProgram:
    return PlainProgram(request.param, tmp_path / "program", {**connection, "TF_REATTACH_PROVIDERS": attached})


def blueprint(api: httpx.Client, variables: Any, sql: str = "SELECT {{v}};") -> str:
    body = {"name": unique("every"), "sql_content": sql, "variables": variables}
    return str(api.post("/blueprints", json=body, headers=new_key()).raise_for_status().json()["data"]["uuid"])


Make = Callable[[httpx.Client], tuple[str, dict[str, Any]]]
NOWHERE = "0f0f0f0f-0000-4000-8000-000000000000"
# What an apply would be refused for: the property and the reason, as the preview says them.
REFUSED: dict[str, tuple[Make, str]] = {
    "SQL with a variable and no definitions": (
        lambda _: ("Blueprint", {"name": "b", "sql_content": "SELECT {{v}};"}),
        "variable v: the SQL uses it, but the blueprint does not define it",
    ),
    "SQL with a variable and other definitions": (
        lambda _: ("Blueprint", {"name": "b", "sql_content": "SELECT {{v}};", "variables": {"w": {}}}),
        "variable v: the SQL uses it, but the blueprint does not define it",
    ),
    "a database with a value of no variable": (
        lambda api: ("Database", {"name": "d", "blueprint_uuid": blueprint(api, {"v": {}}),
                                  "blueprint_variables": {"v": "1", "nope": "2"}}),
        "the blueprint has no such variable; it has `v`",
    ),
    "a database without a required value": (
        lambda api: ("Database", {"name": "d", "blueprint_uuid": blueprint(api, {"v": {"required": True}})}),
        "the blueprint's variable `v` is required",
    ),
    "a database without a value that the SQL needs": (
        lambda api: ("Database", {"name": "d", "blueprint_uuid": blueprint(api, {"v": {}})}),
        "the SQL uses `v`, which has no default: give it a value",
    ),
    "a database with a text that is no number": (
        lambda api: ("Database", {"name": "d", "blueprint_uuid": blueprint(api, {"v": {"type": "number"}}),
                                  "blueprint_variables": {"v": "1,5"}}),
        "must be a number, or its digits in a string",
    ),
    "a database with a name that is too long": (
        lambda api: ("Database", {"name": "d", "blueprint_variables": {"v": "t" * 65},
                                  "blueprint_uuid": blueprint(api, {"v": {"type": "identifier", "default": "t"}},
                                                              "CREATE TABLE {{v}} (n int);")}),
        "must be the name of an object in the database, of 1 to 63 characters",
    ),
    "a database with a value of another type": (
        lambda api: ("Database", {"name": "d", "blueprint_uuid": blueprint(api, {"v": {"type": "boolean"}}),
                                  "blueprint_variables": {"v": "yes"}}),
        "must be true or false",
    ),
    "a database with a blueprint that is not there": (
        lambda _: ("Database", {"name": "d", "blueprint_uuid": NOWHERE}),
        "there is no such blueprint",
    ),
    "an application with a value of no variable": (
        lambda api: ("BlueprintApplication", {"database_uuid": create_database(api, unique("every"))["uuid"],
                                              "blueprint_uuid": blueprint(api, {"v": {}}),
                                              "variables": {"v": "1", "nope": "2"}}),
        "the blueprint has no such variable; it has `v`",
    ),
}  # fmt: skip

ONE_OF_EACH = (
    "SQL with a variable and no definitions",
    "a database with a value of no variable",
    "an application with a value of no variable",
)


def test_a_preview_checks_all_that_an_apply_sends(program: PlainProgram, api: httpx.Client) -> None:
    """Field report B1. All of them in one program; Pulumi stops soon after the first failure: one a program there."""
    alone = {"dynamic": [[case] for case in ONE_OF_EACH], "pulumi": [[case] for case in REFUSED]}
    for group in alone.get(program.engine, [list(REFUSED)]):
        program.write({f"r{number}": REFUSED[case][0](api) for number, case in enumerate(group)})
        done, told = program.plan()
        assert not done
        for case in group:
            assert REFUSED[case][1] in told, (case, told)


@pytest.mark.parametrize("engine", ["dynamic", "terraform", "tofu"])
def test_messages_use_the_words_of_the_engines_language(
    engine: str, tmp_path: Path, connection: dict[str, str], api: httpx.Client
) -> None:
    """Field report C6. Pulumi's YAML refuses a list by itself."""
    program = PlainProgram(engine, tmp_path / "program", connection)
    arguments = {"database_uuid": NOWHERE, "blueprint_uuid": blueprint(api, {"v": {}}), "variables": ["a"]}
    program.write({"a": ("BlueprintApplication", arguments)})
    done, told = program.plan()
    assert not done
    assert "must be a map" in told
    assert "dictionary" not in told
    assert "Input should" not in told


def test_a_preview_checks_definitions_that_change_alone(program: PlainProgram) -> None:
    """Field report B1."""
    sound = {"name": "b", "sql_content": "SELECT {{v}};", "variables": {"v": {"default": "1"}}}
    program.write({"b": ("Blueprint", sound)})
    assert program.apply()[0]
    for definitions in ({}, {"w": {"default": "1"}}):
        program.write({"b": ("Blueprint", {**sound, "variables": definitions})})
        done, told = program.plan()
        assert not done
        assert "variable v: the SQL uses it, but the blueprint does not define it" in told
    program.write({"b": ("Blueprint", sound)})
    assert program.planned() == {}
    assert program.destroy()[0]


def test_null_entries_of_maps_are_left_out(program: PlainProgram, api: httpx.Client) -> None:
    """Field report B2: neither a new object nor a request comes of an entry that is null."""
    database, other = create_database(api, unique("nulls"))["uuid"], blueprint(api, {"v": {}, "w": {"default": "d"}})

    def resources(more: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
        return {
            "a": ("BlueprintApplication", {"database_uuid": database, "blueprint_uuid": other,
                                           "variables": {"v": "1", **more}}),
            "b": ("Blueprint", {"name": "nulls", "sql_content": "SELECT {{v}};",
                                "variables": {"v": {"default": "1"}, **more}}),
            "d": ("Database", {"name": "nulls", "blueprint_uuid": other, "blueprint_variables": {"v": "1", **more}}),
        }  # fmt: skip

    program.write(resources({"w": None}))
    assert program.apply()[0], "the API is not sent the null entry"
    program.write(resources({}))
    assert program.planned() == {}
    assert program.apply()[0]
    program.write(resources({"w": None}))
    assert program.planned() == {}
    assert program.destroy()[0]


def test_a_time_out_ends_a_call_that_is_under_way(
    program: PlainProgram, control_plane: ControlPlane, api: httpx.Client
) -> None:
    """Field report C5. The answers come after minutes; the changes themselves are carried out at once."""
    name = unique("late")

    def database(suffix: str) -> dict[str, tuple[str, dict[str, Any]]]:
        return {"d": ("Database", {"name": name + suffix, "timeouts": {"update": "3s", "delete": "3s"}})}

    program.write(database(""))
    assert program.apply()[0]
    for operation, write in (("updateDatabase", database("-2")), ("deleteDatabase", None)):
        if write:
            program.write(write)
        with late_answers(control_plane, operation):
            done, told = program.apply() if write else program.destroy()
        assert not done
        assert "before the operation's time-out. The API may have carried it out" in told
        assert "Run it again" in told
        assert (program.apply() if write else program.destroy())[0]
    assert name not in api.get("/databases", params={"limit": 100}).text


@contextmanager
def late_answers(plane: ControlPlane, operation: str) -> Iterator[None]:
    """An operation whose answers come later than any command waits."""
    with plane.admin() as admin:
        admin.post("/faults", json={"operation": operation, "effect": "latency", "seconds": 200}).raise_for_status()
        try:
            yield
        finally:
            admin.delete("/faults").raise_for_status()
