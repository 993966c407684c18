"""Check of a blueprint's values before the API applies the blueprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polykomos.resources.blueprint.definitions import misfits, without_value
from resourcekit.context import Context
from resourcekit.errors import CheckError, CheckFailure
from resourcekit.unknown import UNKNOWN

if TYPE_CHECKING:
    from polykomos.client import Blueprint as ApiBlueprint
    from polykomos.client import Client


def refuse_unfit_values(property: str, blueprint: ApiBlueprint, values: Any, ctx: Context[Client]) -> None:
    """Check that the values for a blueprint's variables fit, and that none is missing.

    `property` is the argument that contains them. A blueprint that this run changes is not checked.

    Raises:
        CheckError: A value does not fit, or is missing.
    """
    if values is UNKNOWN or ctx.pending_changes.changed_fields("Blueprint", blueprint.uuid):
        return
    failures = tuple(misfits(property, blueprint.variables, values))
    missing = () if failures else without_value(blueprint.variables, values)
    if missing and not _is_valid_without(missing, blueprint, ctx):
        failures = (CheckFailure(property, f"the SQL uses {_listed(missing)}, which has no default: give it a value"),)
    if failures:
        raise CheckError(failures)


def _is_valid_without(names: tuple[str, ...], blueprint: ApiBlueprint, ctx: Context[Client]) -> bool:
    """Return whether the SQL is valid without some variables; the API decides it, by the rules of its engines."""
    others = {name: value for name, value in (blueprint.variables or {}).items() if name not in names}
    return ctx.api.validate_blueprint(blueprint.sql_content or "", others).valid


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(f"`{name}`" for name in names)
