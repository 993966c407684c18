"""What the declarations decide, for every resource: unknowns, replace lists, secrets, stable values."""

from __future__ import annotations

from typing import Any

import pytest

from polykomos.data_sources import DATA_SOURCES
from polykomos.package import package
from polykomos.resources.blueprint.schema import normalize_variables
from polykomos.resources.blueprint_application.id import ApplicationId
from resourcekit.errors import ResourceError
from resourcekit.field_types import field_types
from resourcekit.fields import field_specs
from resourcekit.planning.diff import diff
from resourcekit.planning.plan import plan_create
from resourcekit.planning.validate import validate_declaration
from resourcekit.resource import DataSource, Resource
from resourcekit.unknown import UNKNOWN

RESOURCES = {resource.name: resource for resource in package().resources}
REPLACES = {
    "Database": {"db_type", "region", "plan", "team_id"},
    "Blueprint": set(),
    "BlueprintApplication": {"database_uuid", "blueprint_uuid", "blueprint_version", "variables"},
    "WebhookEndpoint": {"url", "events"},
}
SECRETS = {"Database": {"db_password", "connection_string"}, "WebhookEndpoint": {"secret"}}


@pytest.mark.parametrize(
    "function", [*package().data_sources, *package().ephemeral_resources], ids=lambda each: each.name
)
def test_what_is_found_by_one_of_several_keys_reports_them_all(function: DataSource[Any, Any, Any]) -> None:
    """A key that the program does not give is filled in (field report C1)."""
    keys = {name for name, facts in field_specs(function.arguments).items() if not facts.required}
    assert keys <= field_specs(function.result).keys()


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=RESOURCES)
def test_the_replace_list_and_the_secrets_are_exactly_these(resource: Resource[Any, Any, Any]) -> None:
    state, arguments = field_specs(resource.state), field_specs(resource.arguments)
    assert {name for name, facts in arguments.items() if facts.requires_replace} == REPLACES[resource.name]
    assert {name for name, facts in state.items() if facts.secret} == SECRETS.get(resource.name, set())
    assert arguments.keys() <= state.keys(), "a state holds what was asked for"


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=RESOURCES)
def test_every_field_may_be_unknown(resource: Resource[Any, Any, Any]) -> None:
    unknown = dict.fromkeys(field_specs(resource.arguments), UNKNOWN)
    checked = validate_declaration(resource, unknown)
    assert checked.failures == ()
    assert checked.values == unknown
    assert plan_create(resource, checked.values).keys() == field_specs(resource.state).keys()
    for name, facts in field_specs(resource.arguments).items():
        found = diff(resource.arguments, state={name: "x"}, old_inputs={name: "x"}, news={name: UNKNOWN})
        assert name in (found.changed | {refusal.property for refusal in found.errors})
        assert found.replaces is facts.requires_replace


DECLARED = [*package().resources, *package().components, *package().called_functions]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda d: d.name)
def test_every_field_is_described_and_can_be_carried(declared: Any) -> None:
    models = [declared.arguments, declared.state if isinstance(declared, Resource) else declared.result]
    for model in models:
        assert field_types(model).keys() == field_specs(model).keys()
        for name, facts in field_specs(model).items():
            assert facts.description.endswith("."), f"{declared.name}.{name}"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": "x"}, {"a": {"default": "x"}}),
        ({"a": 1}, {"a": {"type": "number", "default": 1, "required": False}}),
        ({"a": True}, {"a": {"type": "boolean", "default": True, "description": None}}),
        ({"a": {}}, {"a": {"type": "string"}}),
    ],
)
def test_definitions_of_variables_in_two_spellings_are_one(left: Any, right: Any) -> None:
    assert normalize_variables(left) == normalize_variables(right)
    facts = field_specs(RESOURCES["Blueprint"].arguments)["variables"]
    assert facts.semantically_equal(left, right)
    assert not facts.semantically_equal(left, {"a": {"default": "other"}})


def test_an_applications_id_comes_back_as_it_went() -> None:
    uuid = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
    id_ = ApplicationId(uuid, uuid, 42)
    assert ApplicationId.parse(str(id_)) == id_
    for bad in ("42", f"{uuid}/42", f"{uuid}/{uuid}/x", f"{uuid}/nope/42", f"{uuid}/{uuid}/42/1", f"{uuid}/{uuid}/²"):
        with pytest.raises(ResourceError, match="<database uuid>/<blueprint uuid>/<application number>"):
            ApplicationId.parse(bad)


def test_true_is_another_value_than_one() -> None:
    """Python takes them for the same."""
    uuid = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
    application = {"database_uuid": uuid, "blueprint_uuid": uuid, "variables": {"n": 1}}
    changed = {**application, "variables": {"n": True}}
    model = next(resource for resource in package().resources if resource.name == "BlueprintApplication").arguments
    assert diff(model, state=application, old_inputs=application, news=changed).replaces
    assert not diff(model, state=application, old_inputs=application, news=application).changes


def test_a_blueprint_is_named_by_its_uuid() -> None:
    checked = validate_declaration(RESOURCES["Database"], {"name": "d", "blueprint_uuid": "contacts"})
    assert [(each.property, each.reason) for each in checked.failures] == [("blueprint_uuid", "must be a UUID")]


def test_an_endpoints_id_stands_for_its_number() -> None:
    """Engines know ids as texts: `${hook.id}` is what the reference says to pass."""
    asked = next(each for each in DATA_SOURCES if each.name == "get_webhook_deliveries")
    assert validate_declaration(asked, {"endpoint_id": "7"}).values == {"endpoint_id": 7}
    for wrong in ("7.5", "seven", "-7", "", True):
        assert [each.property for each in validate_declaration(asked, {"endpoint_id": wrong}).failures] == [
            "endpoint_id"
        ]
