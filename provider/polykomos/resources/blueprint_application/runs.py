"""Runs of a blueprint's SQL: tried, waited for, and refused when they failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client import ApiError, DeadlineExceededError, NotFoundError
from polykomos.client.polling import RUNNING
from polykomos.resources.blueprint_application.schema import BlueprintApplicationArgs
from polykomos.resources.errors import no_such
from polykomos.resources.waits import wait_options
from resourcekit.context import Context
from resourcekit.errors import ResourceError

if TYPE_CHECKING:
    from polykomos.client import BlueprintApplication as ApiApplication
    from polykomos.client import Client


def dry_run(args: BlueprintApplicationArgs, ctx: Context[Client]) -> ApiApplication | None:
    """Return how the application would end; None, with a message, where that cannot be found out now."""
    try:
        run = ctx.api.apply_blueprint(
            args.database_uuid, blueprint_uuid=args.blueprint_uuid, variables=args.variables, dry_run=True
        ).object
        return until_ended(run, ctx, "dry run")
    except NotFoundError:
        advice = (
            ". If it was deleted by hand, refresh: it will be made again. If it is of another account, set the API "
            "key of that account"
        )
        raise no_such(f"database {args.database_uuid}", ctx, "database_uuid", advice) from None
    except ApiError as error:
        if error.code != "database_not_active":
            raise
        ctx.info(f"dry run skipped: {error.message}")
    except DeadlineExceededError as error:
        ctx.warn(f"dry run given up, so it is not known whether the SQL would work: {error}")
    return None


def until_ended(run: ApiApplication, ctx: Context[Client], doing: str) -> ApiApplication:
    """Return the application once it has ended. doing: for the progress line."""
    if run.status not in RUNNING:
        return run
    return ctx.api.wait_for_application(run.id, **wait_options(ctx, doing))


def refuse_failure(run: ApiApplication, what: str) -> None:
    """Raise ResourceError when the application failed. what: "the dry run", for people."""
    if run.status not in ("failed", "rolled_back"):
        return
    failed = next((entry for entry in run.execution_log or () if entry.get("error")), None)
    where = f" at statement {_position(failed)}" if failed else ""
    message = run.error_message or (failed or {}).get("error") or "the API gave no reason"
    raise ResourceError(f"{what} failed{where}: {message}. Nothing of it was kept in the database")


def _position(entry: Mapping[str, Any]) -> Any:
    """Counted from 1, as people count; the log's index counts from 0."""
    index = entry.get("index")
    return index + 1 if isinstance(index, int) else "?"
