"""States as the engines store them: read into the resource's model, and completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from resourcekit.errors import ResourceError
from resourcekit.fields import Result, field_specs
from resourcekit.resource import Resource
from resourcekit.unknown import drop_unknowns


def dump_state(state: BaseModel) -> dict[str, Any]:
    """Return a state as plain values. Unset entries are None."""
    return state.model_dump(mode="json")


def values_with_unreported(
    resource: Resource[Any, Any, Any], state: BaseModel, source: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the state as plain values. Values that the API never reports come from `source`."""
    values = dump_state(state)
    for name, spec in field_specs(resource.arguments).items():
        if (spec.provider_only or spec.create_only) and values.get(name) is None:
            values[name] = source.get(name)
    return values


def read_state(resource: Resource[Any, Any, Any], state: Mapping[str, Any]) -> Result:
    """Return a stored state as the resource's model.

    A state of an older release may lack a field or have another type for one. It is read as far as possible.
    """
    model: type[Result] = resource.state
    try:
        return model.model_validate(drop_unknowns(state))
    except ValidationError:
        return model.model_construct(**drop_unknowns(state))


def upgraded_state(resource: Resource[Any, Any, Any], version: int, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state that any release of this provider wrote, in today's form.

    Args:
        resource: The resource's declaration.
        version: The schema version of the state.
        state: The state by declared names.

    Raises:
        ResourceError: A newer release wrote the state.
    """
    if version > resource.schema_version:
        raise ResourceError(
            f"the state was written by a newer release of this provider (schema version {version}, this one knows "
            f"{resource.schema_version}): use that release or a later one"
        )
    return resource.upgrade_state(version, dict(state)) if version < resource.schema_version else dict(state)
