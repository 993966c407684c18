"""Check of the blueprint that a database is created with, before the database is created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client import ApiError, NotFoundError
from polykomos.client.polling import PREVIEW_UNSEEN_SECONDS, retry_until_found
from polykomos.resources.blueprint.fitness import refuse_unfit_values
from polykomos.resources.errors import no_such
from resourcekit.context import Context

if TYPE_CHECKING:
    from polykomos.client import Client


def refuse_unfit_blueprint(args: Mapping[str, Any], ctx: Context[Client]) -> None:
    """Check that the API will accept `blueprint_uuid` and `blueprint_variables` when the database is created.

    A blueprint that this run changes, or that the API key may not read, is not checked. Values may be UNKNOWN.

    Raises:
        ResourceError: The blueprint does not exist.
        CheckError: A value does not fit the blueprint's variables.
    """
    uuid, values = args.get("blueprint_uuid"), args.get("blueprint_variables", {})
    if not isinstance(uuid, str) or ctx.pending_changes.changed_fields("Blueprint", uuid):
        return
    try:
        blueprint = retry_until_found(
            lambda: ctx.api.get_blueprint(uuid), seconds=PREVIEW_UNSEEN_SECONDS, cancel=ctx.cancel
        )
    except NotFoundError:
        raise no_such("such blueprint", ctx, "blueprint_uuid") from None
    except ApiError:
        return
    refuse_unfit_values("blueprint_variables", blueprint, values, ctx)
