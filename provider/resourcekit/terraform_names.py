"""Terraform's names for declared ones: types in snake_case after the package's name, and texts that name types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from resourcekit.package import Package
from resourcekit.resource import DataSource, Resource

_WORD = re.compile(r"`([A-Za-z]+)`")


def to_snake(name: str) -> str:
    """Return a name in snake_case: `BlueprintApplication` becomes `blueprint_application`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def resource_type(package: Package[Any], resource: Resource[Any, Any, Any]) -> str:
    """Return a resource's type, such as `polykomos_blueprint_application`."""
    return f"{package.name}_{to_snake(resource.name)}"


def function_type(package: Package[Any], function: DataSource[Any, Any, Any]) -> str:
    """Return the type of a data source, ephemeral resource or action.

    `get_databases` becomes `polykomos_databases`.
    """
    return f"{package.name}_{function.name.removeprefix('get_')}"


def terraform_types(package: Package[Any]) -> dict[str, str]:
    """Return Terraform's types by the names that declared texts use for resources and data sources."""
    types = {resource.name: resource_type(package, resource) for resource in package.resources}
    return types | {_camel(function.name): function_type(package, function) for function in package.data_sources}


def rename_code_spans(text: str, types: Mapping[str, str]) -> str:
    """Return a declared text, with the resources and data sources in backticks replaced by Terraform's types."""
    return _WORD.sub(lambda match: f"`{types.get(match[1], match[1])}`", text)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
