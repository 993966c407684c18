"""The managed database: which children there are for which arguments, and what it gives back."""

from __future__ import annotations

from typing import Any

import pytest

from polykomos.components.managed_database.component import ManagedDatabase
from polykomos.components.managed_database.environment import environment_variables
from polykomos.package import package
from resourcekit.component import Child, ChildRef, Output
from resourcekit.fields import field_specs
from resourcekit.planning.validate import validate_declaration
from resourcekit.unknown import UNKNOWN

UUID = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
COMPONENT = ManagedDatabase()


def children(**args: Any) -> dict[str, Child]:
    return {child.name: child for child in COMPONENT.children({"name": Output("orders"), **args})}


def entry(**rest: Any) -> dict[str, Any]:
    return {"blueprint_uuid": Output(UUID), "blueprint_version": Output(UNKNOWN), **rest}


def test_applications_are_made_in_order_after_the_database_and_that_after_the_webhook() -> None:
    webhook = {"url": Output("https://hooks.example.com")}
    variables = Output({"a": 1}, secret=True)
    found = children(plan=Output("grow"), blueprints=[entry(), entry(variables=variables)], webhook=webhook)
    assert [(name, child.after) for name, child in found.items()] == [
        ("webhook", ()), ("database", ("webhook",)), ("blueprint-1", ("database",)), ("blueprint-2", ("blueprint-1",)),
    ]  # fmt: skip
    assert found["database"].args == {"name": Output("orders"), "plan": Output("grow")}
    assert found["webhook"].args == webhook
    assert found["blueprint-2"].args == {"database_uuid": ChildRef("database", "uuid"), **entry(variables=variables)}


def test_children_take_nothing_that_their_resources_do_not() -> None:
    given = {name: Output(UNKNOWN) for name in field_specs(COMPONENT.arguments)}
    made = [*COMPONENT.children(given), *children(blueprints=[entry(variables=Output({}))]).values()]
    for child in made:
        assert child.args.keys() <= field_specs(child.kind.arguments).keys()
    assert set(given) - {"blueprints", "webhook"} == made[0].args.keys(), "what the component takes, the database gets"


@pytest.mark.parametrize(("given", "protected"), [(None, None), (False, None), (UNKNOWN, None), (True, True)])
def test_only_enabled_protection_overrides_the_childs_own(given: Any, protected: bool | None) -> None:
    args = {} if given is None else {"deletion_protection": Output(given)}
    assert children(**args)["database"].protected is protected


def test_what_is_not_known_as_a_whole_is_not_shown_and_said() -> None:
    args = {"blueprints": Output(UNKNOWN), "webhook": Output(UNKNOWN)}
    assert list(children(**args)) == ["database"]
    assert [note.split(" ")[0] for note in COMPONENT.preview_warnings(args)] == ["`blueprints`", "`webhook`"]
    args = {"blueprints": [Output(UNKNOWN)], "webhook": {"url": Output(UNKNOWN)}}
    assert list(COMPONENT.preview_warnings(args)) == []
    assert children(**args)["blueprint-1"].args == {
        "database_uuid": ChildRef("database", "uuid"),
        "blueprint_uuid": Output(UNKNOWN),
        "blueprint_version": Output(UNKNOWN),
    }


def database(engine: Any) -> dict[str, Output]:
    fields = {"uuid": UUID, "db_type": engine, "host": "h", "port": 5432, "db_name": "n", "db_username": "u"}
    secrets = {"db_password": "p", "connection_string": "url"}
    return {name: Output(value) for name, value in fields.items()} | {
        name: Output(value, secret=True) for name, value in secrets.items()
    }


@pytest.mark.parametrize(
    ("engine", "login", "where"),
    [
        ("postgres", ("PGUSER", "PGPASSWORD"), {"PGHOST": "h", "PGPORT": "5432", "PGDATABASE": "n"}),
        ("mysql", ("MYSQL_USER", "MYSQL_PWD"), {"MYSQL_HOST": "h", "MYSQL_TCP_PORT": "5432", "MYSQL_DATABASE": "n"}),
        ("another", ("DB_USER", "DB_PASSWORD"), {"DB_HOST": "h", "DB_PORT": "5432", "DB_NAME": "n"}),
    ],
)
def test_each_role_gets_its_own_outputs(engine: str, login: tuple[str, str], where: dict[str, str]) -> None:
    roles = environment_variables(database(engine))
    told = {role: {name: output.value for name, output in variables.items()} for role, variables in roles.items()}
    assert told == {
        "app": {**where, "DATABASE_URL": "url", login[0]: "u", login[1]: "p"},
        "observer": where,
    }
    assert not any(output.secret for output in roles["observer"].values())


def test_an_unknown_db_type_leaves_the_environment_unknown() -> None:
    assert environment_variables(database(UNKNOWN)).value is UNKNOWN


def test_outputs_come_from_the_children() -> None:
    made = {
        "webhook": {"secret": Output("whsec", secret=True)},
        "database": database("postgres"),
        **{f"blueprint-{n}": {"application_id": Output(n)} for n in range(1, 12)},
    }
    found = COMPONENT.outputs(made)
    assert found.keys() == field_specs(COMPONENT.result).keys()
    assert found["application_ids"] == [Output(n) for n in range(1, 12)]
    assert COMPONENT.outputs({"database": database("postgres")})["webhook_secret"] is None


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({}, []),  # the database's name is generated
        ({"name": "-x"}, ["name"]),
        ({"name": "x", "blueprints": [{"blueprint_uuid": UUID}]}, ["blueprints.0.blueprint_version"]),
        (
            {"name": "x", "blueprints": [{"blueprint_uuid": "u", "blueprint_version": 1}]},
            ["blueprints.0.blueprint_uuid"],
        ),
        ({"name": "x", "webhook": {"url": "http://example.com"}}, ["webhook.url"]),
        ({"name": "x", "webhook": {"url": UNKNOWN, "events": ["database.eaten"]}}, ["webhook.events"]),
        ({"name": "x", "blueprint_uuid": UUID}, ["blueprint_uuid"]),
        ({"name": UNKNOWN, "blueprints": UNKNOWN, "webhook": UNKNOWN}, []),
    ],
)
def test_what_is_wrong_is_named_by_its_path(given: dict[str, Any], paths: list[str]) -> None:
    assert [failure.property for failure in validate_declaration(COMPONENT, given).failures] == paths


def test_the_component_is_declared_once() -> None:
    assert [component.name for component in package().components] == ["ManagedDatabase"]
