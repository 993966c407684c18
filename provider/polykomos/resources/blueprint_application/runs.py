"""Runs of a blueprint's SQL: the dry run, the wait, and the error of a failed run."""

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
    """Run the blueprint's SQL and roll it back.

    Returns:
        The dry run's result, or None (with a message to the user) if a dry run is not possible now.
    """
    try:
        run = ctx.api.apply_blueprint(
            args.database_uuid, blueprint_uuid=args.blueprint_uuid, variables=args.variables, dry_run=True
        ).object
        return until_ended(run, ctx, "dry run")
    except NotFoundError:
        advice = (
            ". If it was deleted outside of this program, refresh the state, and it will be created again. If it "
            "belongs to another account, set the API key of that account"
        )
        raise no_such(f"database {args.database_uuid}", ctx, "database_uuid", advice) from None
    except ApiError as error:
        if error.code != "database_not_active":
            raise
        ctx.info(f"dry run skipped: {error.message}")
    except DeadlineExceededError as error:
        ctx.warn(f"dry run timed out, so this preview cannot show whether the SQL would succeed: {error}")
    return None


def until_ended(run: ApiApplication, ctx: Context[Client], activity: str) -> ApiApplication:
    """Wait until an application has ended and return it; `activity` is shown in the progress line."""
    if run.status not in RUNNING:
        return run
    return ctx.api.wait_for_application(run.id, **wait_options(ctx, activity))


def refuse_failure(run: ApiApplication, what: str) -> None:
    """Raise ResourceError if a run failed; `what` names it in the message, such as "the dry run"."""
    if run.status not in ("failed", "rolled_back"):
        return
    failed = next((entry for entry in run.execution_log or () if entry.get("error")), None)
    where = f" at statement {_position(failed)}" if failed else ""
    message = run.error_message or (failed or {}).get("error") or "the API gave no reason"
    raise ResourceError(f"{what} failed{where}: {message}. The database was not changed")


def _position(entry: Mapping[str, Any]) -> Any:
    """Return a statement's position, counted from 1; the log's index starts at 0."""
    index = entry.get("index")
    return index + 1 if isinstance(index, int) else "?"
