"""The `Database` resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client import ApiError, NotFoundError, PolykomosError, Secret
from polykomos.resources.conversions import database_fields, format_timestamp, parse_uuid
from polykomos.resources.create_once import create_once
from polykomos.resources.create_request import ensure_compatible, with_earlier
from polykomos.resources.database.blueprint import refuse_unfit_blueprint
from polykomos.resources.database.catalog import ensure_offered, warn_of_unknown_plan
from polykomos.resources.database.create import create_request
from polykomos.resources.database.schema import DatabaseArgs, DatabaseState
from polykomos.resources.errors import confirm_gone, is_right_account, not_found_as_error, object_gone_error
from polykomos.resources.waits import wait_options
from resourcekit.context import Context
from resourcekit.declaration import RequiredScopes, Timeouts
from resourcekit.errors import CheckFailure, ResourceError
from resourcekit.fields import field_specs
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN

if TYPE_CHECKING:
    from polykomos.client import Client
    from polykomos.client import Database as ApiDatabase

_PROVIDER_ONLY = {name for name, spec in field_specs(DatabaseArgs).items() if spec.provider_only}
# The parts of a connection string besides the password.
_CONNECTION_FIELDS = ("host", "port", "db_name", "db_username")
_QUOTAS = ("storage_hard_limit_gb", "connection_hard_limit", "warning_threshold_pct")
_IMMUTABLE = ("db_type", "region", "plan", "team_id")
# A paused database is complete. None: the service reports no status (no field of its responses is required).
_FINISHED = ("active", "paused", None)


class Database(Resource[DatabaseArgs, DatabaseState, "Client"]):
    """A managed PostgreSQL or MySQL database, with a user of its own and a connection string.

    The name and the limits change in place. The API cannot change the engine, region, plan or team: a change of one of
    them creates a new, empty database and deletes the old one (the service retains the old one's data for 24 hours).
    Pulumi creates the new database first. Terraform and OpenTofu delete the old one first, unless the resource has
    `lifecycle { create_before_destroy = true }`.
    """

    name = "Database"
    timeouts = Timeouts(create=1200, update=1200, delete=300)
    import_id = "its UUID"
    scopes = RequiredScopes(("databases:read",), ("databases:write",))
    list_filters = ("name", "db_type", "region", "plan", "team_id", "status")
    url_collection = "databases"

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Yield a failure for variables without a blueprint."""
        if args.get("blueprint_variables") is not None and args.get("blueprint_uuid") is None:
            yield CheckFailure(
                "blueprint_variables", "requires `blueprint_uuid`: these are the variables of that blueprint"
            )

    def preview(
        self, args: Mapping[str, Any], prior: DatabaseState | None, changed: frozenset[str], ctx: Context[Client]
    ) -> None:
        """Check what the API would reject, such as an unsupported region, and warn of what it may reject."""
        if prior is not None:
            return
        warn_of_unknown_plan(args.get("plan"), ctx)
        refuse_unfit_blueprint(args, ctx)
        db_type, region = args.get("db_type"), args.get("region")
        if UNKNOWN in (db_type, region) or (db_type is None and region is None):
            return
        ensure_offered(db_type, region, ctx)

    def preview_replacement(self, args: Mapping[str, Any], prior: DatabaseState, ctx: Context[Client]) -> None:
        """Warn if both databases have the same name: no call reports whether names must be unique (api-facts S1)."""
        name = args.get("name")
        if name != prior.name or _allows_equal_names(ctx):
            return
        ctx.warn(
            f"the old database has the name {name!r} until it is deleted. If the service requires unique names, it "
            "rejects a new database with this name before that (`name_taken`). Delete the old one first (Pulumi: "
            "`deleteBeforeReplace`; Terraform and OpenTofu: omit `create_before_destroy`), or give the new one another "
            "`name`",
            attribute="name",
        )

    def normalize_id(self, id: str) -> str:
        """Return the UUID in lower case."""
        return parse_uuid(id, "a database's id is its UUID")

    def create(self, args: DatabaseArgs, ctx: Context[Client]) -> tuple[str, DatabaseState]:
        """Create the database, or adopt and update the one that an interrupted run created."""
        body = args.model_dump(exclude_none=True, exclude=_PROVIDER_ONLY)
        request, earlier = (
            create_request(fields, ctx.api, patient=ctx.idempotency_keys.may_block)
            for fields in (body, {**body, **ctx.null_entries})
        )
        result = create_once(
            with_earlier(request, earlier),
            ctx,
            lambda adopted: ensure_compatible(
                "database", adopted.uuid, _set_arguments(args, _IMMUTABLE), adopted.model_dump()
            ),
        )
        database = result.object
        state = _state(database, args)
        ctx.checkpoint(database.uuid, state)
        if not result.adopted:
            return database.uuid, _state(_until_active(database, ctx), args)
        planned = _set_arguments(args, ("name", *_QUOTAS))
        changed = frozenset(name for name, value in planned.items() if value != getattr(state, name))
        return database.uuid, self.update(database.uuid, args, state, changed, ctx)

    def read(self, id: str, prior: DatabaseState | None, ctx: Context[Client]) -> DatabaseState | None:
        """Read the database, from a list page if nothing in it has changed since the last read."""
        uuid = self.normalize_id(id)
        try:
            database = (
                ctx.api.read_database(uuid, lambda listed: _complete_from_state(listed, prior))
                if prior is not None
                else ctx.api.get_database(uuid)
            )
        except NotFoundError:
            if prior is not None:
                confirm_gone("database", uuid, ctx, prior.team_id)
            return None
        return None if database.status == "deleted" else _state(database, prior)

    def update(
        self, id: str, args: DatabaseArgs, prior: DatabaseState, changed: frozenset[str], ctx: Context[Client]
    ) -> DatabaseState:
        """Resume an interrupted wait, then rename and set limits."""
        with not_found_as_error("database", id, ctx, prior.team_id):
            if prior.status not in _FINISHED:
                # An earlier run created it and timed out: wait until it is active, then change it.
                ctx.checkpoint(id, prior)
                ctx.checkpoint(id, _state(_until_active(ctx.api.get_database(id), ctx), args))
            return _apply_changes(id, args, prior, changed, ctx)

    def delete(self, id: str, prior: DatabaseState, ctx: Context[Client]) -> None:
        """Delete the database; one that was already deleted is no error."""
        try:
            ctx.api.delete_database(id)
        except NotFoundError:
            confirm_gone("database", id, ctx, prior.team_id)

    def allow_create_only_change(self, name: str, value: Any, ctx: Context[Client]) -> str | None:
        """Accept another `blueprint_uuid` if the blueprint that the database was created with was deleted."""
        if name != "blueprint_uuid" or not isinstance(value, str):
            return None
        try:
            ctx.api.get_blueprint(value)
        except NotFoundError:
            if not is_right_account(ctx):
                return None
            return (
                "the blueprint that this database was created with was deleted. The new value is recorded and not "
                "applied: to apply that blueprint, declare a `BlueprintApplication`"
            )
        except ApiError:
            pass  # the key may not read blueprints
        return None

    def is_incomplete(self, prior: DatabaseState) -> bool:
        """Return whether a run timed out while the database was provisioning."""
        return prior.status == "provisioning"

    def list(self, ctx: Context[Client], query: ListQuery = EVERYTHING) -> Iterable[tuple[str, str, DatabaseState]]:
        """Yield id, name and state of each database."""
        return (
            (database.uuid, database.name, _state(database, None))
            for database in ctx.api.iter_databases(query.after or None)
            if database.status != "deleted"
        )

    def default_values(self, state: DatabaseState, ctx: Context[Client]) -> Iterable[str]:
        """Return the limits that other databases of the plan have too: most likely the plan's own."""
        try:
            usual = ctx.api.usual_quotas(state.plan)
        except PolykomosError:
            return ()
        return [name for name, value in usual.items() if value == getattr(state, name)]

    def deletion_blocked_reason(self, prior: DatabaseState) -> str | None:
        """Return the error for a database with `deletion_protection`."""
        if not prior.deletion_protection:
            return None
        return (
            f"database {prior.name} ({prior.uuid}) has `deletion_protection`. "
            "Set it to false and apply that first, if the database and its data may be deleted"
        )


def _allows_equal_names(ctx: Context[Client]) -> bool:
    try:
        return ctx.api.has_equal_names()
    except ApiError:
        return False  # the key may not list databases


def _set_arguments(args: DatabaseArgs, names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _apply_changes(
    id: str, args: DatabaseArgs, prior: DatabaseState, changed: frozenset[str], ctx: Context[Client]
) -> DatabaseState:
    # Responses to writes mask credentials (api-facts C16): take them from the state, or read them if it has none.
    database: ApiDatabase | None = None
    if "name" in changed:
        database = _with_credentials(ctx.api.rename_database(id, args.name).object, prior, args)
        ctx.checkpoint(id, _state(database or ctx.api.get_database(id), args))
    quotas = {name: getattr(args, name) for name in _QUOTAS if name in changed}
    if quotas:
        database = _with_credentials(ctx.api.update_quotas(id, quotas).object, prior, args)
    return _state(database or ctx.api.get_database(id), args)


def _until_active(database: ApiDatabase, ctx: Context[Client]) -> ApiDatabase:
    """Wait until a database is active and return it.

    Raises:
        ResourceError: Provisioning ended in another status.
    """
    if database.status == "provisioning":
        with not_found_as_error("database", database.uuid, ctx, database.team_id):
            database = ctx.api.wait_for_database(database.uuid, **wait_options(ctx, "provisioning"))
    if database.status == "deleted":
        raise object_gone_error("database", database.uuid)
    if database.status not in _FINISHED:
        raise ResourceError(
            f"database {database.uuid} is {database.status}, not active: check it at the service. Once it is active, "
            "run this again"
        )
    return database


def _complete_from_state(listed: ApiDatabase, prior: DatabaseState) -> ApiDatabase | None:
    """Return a listed database with the credentials in the state, or None if it may have changed since."""
    is_unchanged = format_timestamp(listed.updated_at) == prior.updated_at and listed.status == prior.status
    return _with_credentials(listed, prior, prior) if is_unchanged or prior.store_credentials is False else None


def _with_credentials(masked: ApiDatabase, prior: DatabaseState, args: DatabaseArgs) -> ApiDatabase | None:
    """Return a database with the credentials in the state, which lists and write responses mask.

    Returns:
        The database, or None if the state does not have its current credentials.
    """
    if args.store_credentials is False:
        return masked
    if prior.db_password is None or any(getattr(masked, name) != getattr(prior, name) for name in _CONNECTION_FIELDS):
        return None
    credentials = {name: Secret(getattr(prior, name) or "") for name in ("db_password", "connection_string")}
    return masked.model_copy(update=credentials)


def _state(database: ApiDatabase, args: DatabaseArgs | None) -> DatabaseState:
    """Return the state of a database; `args` are the arguments or the prior state, None on import."""
    fields = database_fields(DatabaseState, database)
    # While the database is provisioning, the API masks or omits its credentials.
    if database.status == "provisioning" or (args is not None and args.store_credentials is False):
        fields |= {"db_password": None, "connection_string": None}
    return DatabaseState.model_construct(**fields)
