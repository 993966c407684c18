"""The `BlueprintApplication` resource. An application that has ended does not change any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client import ApiError, DeadlineExceededError, NotFoundError
from polykomos.client.polling import ENDED, PREVIEW_UNSEEN_SECONDS, RUNNING, retry_until_found
from polykomos.resources.blueprint.fitness import refuse_unfit_values
from polykomos.resources.blueprint_application.create import create_request
from polykomos.resources.blueprint_application.id import ApplicationId
from polykomos.resources.blueprint_application.runs import dry_run, refuse_failure, until_ended
from polykomos.resources.blueprint_application.schema import BlueprintApplicationArgs, BlueprintApplicationState
from polykomos.resources.conversions import is_uuid, shared_fields
from polykomos.resources.create_once import create_once
from polykomos.resources.create_request import with_earlier
from polykomos.resources.errors import confirm_gone, is_right_account, no_such, not_found_as_error
from polykomos.resources.waits import wait_options
from resourcekit.context import Context
from resourcekit.declaration import RequiredScopes
from resourcekit.errors import CheckFailure, ResourceError
from resourcekit.redaction import Redactor, iter_strings
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN, contains_unknown

if TYPE_CHECKING:
    from polykomos.client import Blueprint as ApiBlueprint
    from polykomos.client import BlueprintApplication as ApiApplication
    from polykomos.client import Client


class BlueprintApplication(Resource[BlueprintApplicationArgs, BlueprintApplicationState, "Client"]):
    """The application of a blueprint to a database: its SQL, run once, in one transaction.

    If the database exists, a preview dry-runs the SQL and reports statements and warnings. A change of the variables or
    the version creates a new application. Removing the resource only removes it from the state: SQL that ran is not
    undone.
    """

    name = "BlueprintApplication"
    import_id = f"`{ApplicationId.FORM}`, because the API's number alone does not identify the database"
    scopes = RequiredScopes(("blueprints:read",), ("databases:write",))
    preview_sets_values = True

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Yield a failure for each reference that is not a UUID."""
        for name in ("database_uuid", "blueprint_uuid"):
            value = args.get(name)
            if isinstance(value, str) and not is_uuid(value):
                yield CheckFailure(name, "must be a UUID")

    def normalize_id(self, id: str) -> str:
        """Return the id with its UUIDs in lower case."""
        return str(ApplicationId.parse(id))

    def preview(
        self,
        args: Mapping[str, Any],
        prior: BlueprintApplicationState | None,
        changed: frozenset[str],
        ctx: Context[Client],
    ) -> Mapping[str, Any] | None:
        """Check the version and the variables, then dry-run the SQL if all values are known.

        The API runs the SQL of a dry run in a transaction and rolls it back. Its results are planned for a pinned
        version only: a tracked version may change before the apply. Nothing is planned for a database that is not
        ready, or for SQL that takes longer than the preview's time-out.
        """
        uuid = args["blueprint_uuid"]
        # A version that this same run creates does not exist yet.
        if uuid is UNKNOWN or _gets_a_new_version(uuid, ctx):
            return None
        try:
            blueprint = retry_until_found(
                lambda: ctx.api.read_blueprint(uuid, ctx.api.fill_sql),
                seconds=PREVIEW_UNSEEN_SECONDS,
                cancel=ctx.cancel,
            )
        except NotFoundError:
            raise no_such("such blueprint", ctx, "blueprint_uuid") from None
        _refuse_another_version(args.get("blueprint_version"), blueprint.version)
        refuse_unfit_values("variables", blueprint, args.get("variables", {}), ctx)
        if contains_unknown(args):
            return None
        typed = BlueprintApplicationArgs.model_validate(args)
        run = dry_run(typed, ctx)
        if run is None:
            return None
        refuse_failure(run, "the dry run")
        warnings = _warnings(blueprint, ctx)
        for warning in warnings:
            ctx.warn(f"dry run: {warning}")
        ctx.info(f"dry run: {run.statements_total} statements would run (version {blueprint.version})")
        if typed.blueprint_version is None:
            return None
        return {"statements_total": run.statements_total, "warnings": warnings}

    def replacement_triggers(
        self, prior: BlueprintApplicationState, args: Mapping[str, Any], ctx: Context[Client]
    ) -> Iterable[str]:
        """Return what requires a new application: a failed one, or a new version if none is pinned."""
        if prior.status in ("failed", "rolled_back"):
            return ["status"]
        if args.get("blueprint_version") is not None or contains_unknown(args):
            return []
        if _gets_a_new_version(prior.blueprint_uuid, ctx):
            return ["blueprint_version"]
        try:
            current = ctx.api.read_blueprint(prior.blueprint_uuid, _with_version).version
        except NotFoundError:
            return []
        return ["blueprint_version"] if current != prior.blueprint_version else []

    def reported(self, name: str, prior: BlueprintApplicationState, ctx: Context[Client]) -> Any:
        """Return the variables as the API reports them."""
        if name != "variables":
            return UNKNOWN
        try:
            return ctx.api.get_blueprint_application(prior.application_id).variable_values or {}
        except NotFoundError:
            return UNKNOWN

    def create(self, args: BlueprintApplicationArgs, ctx: Context[Client]) -> tuple[str, BlueprintApplicationState]:
        """Apply the blueprint, or wait for the application that an interrupted run started.

        An error of an inactive database is resolved by waiting until the database is active.
        """
        # The current version: it is compared with the pinned version, and is part of the key.
        blueprint = retry_until_found(lambda: ctx.api.get_blueprint(args.blueprint_uuid), cancel=ctx.cancel)
        _refuse_another_version(args.blueprint_version, blueprint.version)
        try:
            warnings: list[str] | None = _warnings(blueprint, ctx)
        except DeadlineExceededError:
            warnings = None  # the SQL takes long to validate; applying it is more important
        request, earlier = (
            create_request(arguments, blueprint.version, ctx.api)
            for arguments in (args, args.model_copy(update=ctx.null_entries))
        )
        request = with_earlier(request, earlier)
        try:
            run = create_once(request, ctx).object
        except ApiError as error:
            if not _waited_for_database(args.database_uuid, error, ctx):
                raise
            run = create_once(request, ctx).object
        id_ = ApplicationId(args.database_uuid, args.blueprint_uuid, run.id)
        if run.status in RUNNING:
            ctx.checkpoint(str(id_), _state(run, id_, args.variables, warnings))
        run = until_ended(run, ctx, "applying")
        # A failed application left nothing in the database: there is no object to store.
        if run.status not in RUNNING and run.status != "completed":
            ctx.discard_checkpoint()
        refuse_failure(run, "the application")
        state = _state(run, id_, args.variables, warnings)
        if (
            None not in (args.blueprint_version, run.blueprint_version)
            and args.blueprint_version != run.blueprint_version
        ):
            ctx.checkpoint(str(id_), state)
            raise _of_another_version(run, args.blueprint_version)
        return str(id_), state

    def read(
        self, id: str, prior: BlueprintApplicationState | None, ctx: Context[Client]
    ) -> BlueprintApplicationState | None:
        """Read the application; the state of one that has ended is current without a call."""
        id_ = ApplicationId.parse(id)
        if prior is not None and prior.status in ENDED:
            return prior
        try:
            run = ctx.api.get_blueprint_application(id_.number)
        except NotFoundError:
            if prior is not None:
                confirm_gone("blueprint application", id, ctx)
            return None
        variables = prior.variables if prior is not None else run.variable_values
        return _state(run, id_, variables or None, prior.warnings if prior is not None else None)

    def update(
        self,
        id: str,
        args: BlueprintApplicationArgs,
        prior: BlueprintApplicationState,
        changed: frozenset[str],
        ctx: Context[Client],
    ) -> BlueprintApplicationState:
        """Resume the wait for an application that was still running when its create timed out."""
        id_ = ApplicationId.parse(id)
        ctx.checkpoint(id, prior)
        with not_found_as_error("blueprint application", id, ctx):
            run = until_ended(ctx.api.get_blueprint_application(id_.number), ctx, "applying")
        state = _state(run, id_, args.variables, prior.warnings)
        ctx.checkpoint(id, state)
        refuse_failure(run, "the application")
        return state

    def is_incomplete(self, prior: BlueprintApplicationState) -> bool:
        """Return whether the application was still running when its create timed out."""
        return prior.status in RUNNING

    def delete(self, id: str, prior: BlueprintApplicationState, ctx: Context[Client]) -> None:
        """Remove it from the state. The key must see its database; otherwise a later run would apply the SQL again."""
        if not is_right_account(ctx):
            try:
                ctx.api.get_database(prior.database_uuid)
            except NotFoundError:
                confirm_gone("blueprint application", id, ctx)
        ctx.info(
            f"application {prior.application_id} was removed from the state only: what its SQL did in database "
            f"{prior.database_uuid} is not undone"
        )


def _gets_a_new_version(blueprint_uuid: str, ctx: Context[Client]) -> bool:
    """Return whether the run that plans this changes the blueprint's SQL."""
    return "version" in ctx.pending_changes.changed_fields("Blueprint", blueprint_uuid)


def _with_version(listed: ApiBlueprint) -> ApiBlueprint | None:
    return listed if listed.version is not None else None


def _is_provisioning(database_uuid: str, ctx: Context[Client]) -> bool:
    try:
        return ctx.api.get_database(database_uuid).status == "provisioning"
    except ApiError:
        return False  # deleted, or not readable with this key: the caller's error says more


def _waited_for_database(database_uuid: str, error: ApiError, ctx: Context[Client]) -> bool:
    """Return whether the call may succeed now, because it failed while the database was not active."""
    if _is_provisioning(database_uuid, ctx):
        ctx.api.wait_for_database(database_uuid, **wait_options(ctx, "waiting for the database"))
        return True
    return error.code == "database_not_active"  # it may have become active in the meantime


def _refuse_another_version(pinned: Any, current: int | None) -> None:
    if pinned not in (None, UNKNOWN, current):
        raise ResourceError(
            f"version {pinned} cannot be applied: the blueprint is at version {current}, and the API applies the "
            f"current version only. Set `blueprint_version` to {current} or to the blueprint's `version` output",
            property="blueprint_version",
        )


def _of_another_version(run: ApiApplication, pinned: int | None) -> ResourceError:
    return ResourceError(
        f"application {run.id} has run version {run.blueprint_version} of the blueprint, not version {pinned}, because "
        "the blueprint was changed at that moment. What its SQL did is not undone: check the database, then set "
        "`blueprint_version` to the version that it should have",
        property="blueprint_version",
    )


def _warnings(blueprint: ApiBlueprint, ctx: Context[Client]) -> list[str]:
    return list(ctx.api.validate_blueprint(blueprint.sql_content or "", blueprint.variables).warnings)


def _without_values(run: ApiApplication, variables: Mapping[str, Any] | None) -> str | None:
    """Return a run's error without the values of variables, any of which may be a secret."""
    if run.error_message is None:
        return None
    return Redactor(iter_strings([variables or {}, run.variable_values or {}]), "(value)").redact(run.error_message)


def _state(
    run: ApiApplication, id_: ApplicationId, variables: Mapping[str, Any] | None, warnings: list[str] | None
) -> BlueprintApplicationState:
    fields = shared_fields(BlueprintApplicationState, run)
    fields |= {"database_uuid": id_.database_uuid, "blueprint_uuid": id_.blueprint_uuid, "application_id": run.id}
    fields |= {"variables": None if variables is None else dict(variables), "warnings": warnings}
    return BlueprintApplicationState.model_construct(**{**fields, "error_message": _without_values(run, variables)})
