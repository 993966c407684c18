"""Declared names as Terraform's: types in snake_case with the package's name in front, and texts that speak of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from resourcekit.package import Package
from resourcekit.resource import DataSource, Resource

_WORD = re.compile(r"`([A-Za-z]+)`")


def to_snake(name: str) -> str:
    """`BlueprintApplication` becomes `blueprint_application`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def resource_type(package: Package[Any], resource: Resource[Any, Any, Any]) -> str:
    """`polykomos_blueprint_application`."""
    return f"{package.name}_{to_snake(resource.name)}"


def function_type(package: Package[Any], function: DataSource[Any, Any, Any]) -> str:
    """A data source's, ephemeral resource's or action's type: `get_databases` becomes `polykomos_databases`."""
    return f"{package.name}_{function.name.removeprefix('get_')}"


def terraform_types(package: Package[Any]) -> dict[str, str]:
    """Terraform's types by the names that declared texts have for resources and functions."""
    found = {resource.name: resource_type(package, resource) for resource in package.resources}
    return found | {_camel(function.name): function_type(package, function) for function in package.data_sources}


def rename_code_spans(text: str, types: Mapping[str, str]) -> str:
    """A declared text, with the resources and functions that it names in backticks spelled as Terraform's types."""
    return _WORD.sub(lambda found: f"`{types.get(found[1], found[1])}`", text)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
