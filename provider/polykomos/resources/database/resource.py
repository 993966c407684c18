"""A database's life at the API."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client import ApiError, NotFoundError, Secret
from polykomos.resources.conversions import format_timestamp, parse_uuid, reveal
from polykomos.resources.create_once import create_once, ensure_compatible, with_earlier
from polykomos.resources.database.blueprint import refuse_unfit_blueprint
from polykomos.resources.database.create import create_request
from polykomos.resources.database.schema import PLANS, DatabaseArgs, DatabaseState
from polykomos.resources.errors import confirm_gone, is_right_account, not_found_as_error, object_gone_error
from polykomos.resources.waits import wait_options
from resourcekit.context import Context
from resourcekit.errors import CheckFailure, ResourceError
from resourcekit.fields import field_specs
from resourcekit.resource import RequiredScopes, Resource, Timeouts
from resourcekit.unknown import UNKNOWN

if TYPE_CHECKING:
    from polykomos.client import Client
    from polykomos.client import Database as ApiDatabase

_LOCAL = {name for name, facts in field_specs(DatabaseArgs).items() if facts.provider_only}
# What a connection string is made of, beside the password.
_WHERE = ("host", "port", "db_name", "db_username")
_QUOTAS = ("storage_hard_limit_gb", "connection_hard_limit", "warning_threshold_pct")
_FIXED = ("db_type", "region", "plan", "team_id")
# A database that is paused is all there; None: a service that does not say (no field of its answers is required).
_FINISHED = ("active", "paused", None)


class Database(Resource[DatabaseArgs, DatabaseState, "Client"]):
    """A managed PostgreSQL or MySQL database, with a user of its own and a connection string.

    The name and the limits change in place. The engine, region, plan and team cannot change at the API: a change of
    one of them makes a new, empty database and deletes the old one (its data is kept by the service for 24 hours).
    Pulumi makes the new one first. Terraform and OpenTofu delete the old one first, unless the resource has
    `lifecycle { create_before_destroy = true }`.
    """

    name = "Database"
    arguments = DatabaseArgs
    state = DatabaseState
    timeouts = Timeouts(create=1200, update=1200, delete=300)
    import_id = "its UUID"
    scopes = RequiredScopes(("databases:read",), ("databases:write",))
    url_collection = "databases"

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        if args.get("blueprint_variables") is not None and args.get("blueprint_uuid") is None:
            yield CheckFailure("blueprint_variables", "needs `blueprint_uuid`: they are that blueprint's variables")

    def preview(
        self, args: Mapping[str, Any], prior: DatabaseState | None, changed: frozenset[str], ctx: Context[Client]
    ) -> None:
        """Say in preview what the API would refuse, such as a region that is not on offer, and what it may refuse."""
        if prior is not None:
            return
        _warn_of_an_unheard_plan(args.get("plan"), ctx)
        refuse_unfit_blueprint(args, ctx)
        db_type, region = args.get("db_type"), args.get("region")
        if UNKNOWN in (db_type, region) or (db_type is None and region is None):
            return
        _refuse_what_is_not_offered(db_type, region, ctx)

    def preview_replacement(self, args: Mapping[str, Any], prior: DatabaseState, ctx: Context[Client]) -> None:
        """Warn where both have one name: no call tells whether names must be unique (api-facts S1)."""
        name = args.get("name")
        if name != prior.name or _allows_equal_names(ctx):
            return
        ctx.warn(
            f"the old database has the name {name!r} until it is deleted. Where the service requires unique "
            "names, it refuses a new one of that name before (`name_taken`). Have the old one deleted first "
            "(Pulumi: `deleteBeforeReplace`; Terraform and OpenTofu do so without `create_before_destroy`), or give "
            "the new one another `name`",
            attribute="name",
        )

    def normalize_id(self, id: str) -> str:
        return parse_uuid(id, "a database's id is its UUID")

    def create(self, args: DatabaseArgs, ctx: Context[Client]) -> tuple[str, DatabaseState]:
        body = args.model_dump(exclude_none=True, exclude=_LOCAL)
        kind, earlier = (
            create_request(each, ctx.api, patient=ctx.idempotency_keys.may_block)
            for each in (body, {**body, **ctx.null_entries})
        )
        created = create_once(
            with_earlier(kind, earlier),
            ctx,
            lambda earlier: ensure_compatible("database", earlier.uuid, _given(args, _FIXED), earlier.model_dump()),
        )
        made = created.object
        there = _state(made, args)
        ctx.checkpoint(made.uuid, there)
        if not created.adopted:
            return made.uuid, _state(_until_active(made, ctx), args)
        wanted = _given(args, ("name", *_QUOTAS))
        changed = frozenset(name for name, value in wanted.items() if value != getattr(there, name))
        return made.uuid, self.update(made.uuid, args, there, changed, ctx)

    def read(self, id: str, prior: DatabaseState | None, ctx: Context[Client]) -> DatabaseState | None:
        uuid = self.normalize_id(id)
        try:
            found = (
                ctx.api.read_database(uuid, lambda listed: _unchanged(listed, prior))
                if prior is not None
                else ctx.api.get_database(uuid)
            )
        except NotFoundError:
            if prior is not None:
                confirm_gone("database", uuid, ctx, prior.team_id)
            return None
        return None if found.status == "deleted" else _state(found, prior)

    def update(
        self, id: str, args: DatabaseArgs, prior: DatabaseState, changed: frozenset[str], ctx: Context[Client]
    ) -> DatabaseState:
        with not_found_as_error("database", id, ctx, prior.team_id):
            if prior.status not in _FINISHED:
                # An earlier run made it and gave up waiting: wait on before changing anything.
                ctx.checkpoint(id, prior)
                ctx.checkpoint(id, _state(_until_active(ctx.api.get_database(id), ctx), args))
            return _changed(id, args, prior, changed, ctx)

    def delete(self, id: str, prior: DatabaseState, ctx: Context[Client]) -> None:
        try:
            ctx.api.delete_database(id)
        except NotFoundError:
            confirm_gone("database", id, ctx, prior.team_id)

    def allow_create_only_change(self, name: str, value: Any, ctx: Context[Client]) -> str | None:
        if name != "blueprint_uuid" or not isinstance(value, str):
            return None
        try:
            ctx.api.get_blueprint(value)
        except NotFoundError:
            if not is_right_account(ctx):
                return None
            return (
                "the blueprint that this database was made with is gone. The other one is noted and not applied: "
                "declare a `BlueprintApplication` for that"
            )
        except ApiError:
            pass  # the key may not read blueprints
        return None

    def is_incomplete(self, prior: DatabaseState) -> bool:
        return prior.status == "provisioning"

    def list(self, ctx: Context[Client]) -> Iterable[tuple[str, str, DatabaseState]]:
        return (
            (found.uuid, found.name, _state(found, None))
            for found in ctx.api.iter_databases()
            if found.status != "deleted"
        )

    def deletion_blocked_reason(self, prior: DatabaseState) -> str | None:
        if not prior.deletion_protection:
            return None
        return (
            f"database {prior.name} ({prior.uuid}) has `deletion_protection`. "
            "Set it to false and apply that first, if the database and its data may go"
        )


def _allows_equal_names(ctx: Context[Client]) -> bool:
    try:
        return ctx.api.has_equal_names()
    except ApiError:
        return False  # the key may not list them


def _given(args: DatabaseArgs, names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _changed(
    id: str, args: DatabaseArgs, prior: DatabaseState, changed: frozenset[str], ctx: Context[Client]
) -> DatabaseState:
    # Replies to writes mask credentials (api-facts C16): they are those of the state, or read where it has none.
    found: ApiDatabase | None = None
    if "name" in changed:
        found = _with_credentials(ctx.api.rename_database(id, args.name).object, prior, args)
        ctx.checkpoint(id, _state(found or ctx.api.get_database(id), args))
    quotas = {name: getattr(args, name) for name in _QUOTAS if name in changed}
    if quotas:
        found = _with_credentials(ctx.api.update_quotas(id, quotas).object, prior, args)
    return _state(found or ctx.api.get_database(id), args)


def _until_active(database: ApiDatabase, ctx: Context[Client]) -> ApiDatabase:
    """The database once it is there. Raises ResourceError where provisioning has come to another end."""
    if database.status == "provisioning":
        with not_found_as_error("database", database.uuid, ctx, database.team_id):
            database = ctx.api.wait_for_database(database.uuid, **wait_options(ctx, "provisioning"))
    if database.status == "deleted":
        raise object_gone_error("database", database.uuid)
    if database.status not in _FINISHED:
        raise ResourceError(
            f"database {database.uuid} is {database.status}, not active: see at the service what became of it. Once it "
            "is active, run this again"
        )
    return database


def _warn_of_an_unheard_plan(plan: Any, ctx: Context[Client]) -> None:
    """No call tells which plans there are, and the documents differ (api-facts C1): so it is not refused."""
    if isinstance(plan, str) and plan not in PLANS:
        near = difflib.get_close_matches(plan, PLANS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(f'`{each}`' for each in PLANS)}"
        text = f"{plan!r} is no plan that this provider knows of, so the API may refuse it; {hint}"
        ctx.warn(text, attribute="plan")


def _refuse_what_is_not_offered(db_type: str | None, region: str | None, ctx: Context[Client]) -> None:
    engines = {engine.value: engine for engine in ctx.api.list_database_types()}
    engine = engines.get(db_type or "postgres")
    if engine is None or engine.is_available is False:
        offered = ", ".join(sorted(value for value, each in engines.items() if each.is_available is not False))
        raise ResourceError(f"{db_type} is not on offer; there are {offered}", property="db_type")
    regions = [each.code for each in engine.regions if each.is_available is not False]
    if region is not None and regions and region not in regions:
        raise ResourceError(f"{engine.value} is not offered there; there are {', '.join(regions)}", property="region")


def _unchanged(listed: ApiDatabase, prior: DatabaseState) -> ApiDatabase | None:
    """The listed database with what lists mask, when nothing tells that it has changed since the state was written."""
    same = format_timestamp(listed.updated_at) == prior.updated_at and listed.status == prior.status
    return _with_credentials(listed, prior, prior) if same or prior.store_credentials is False else None


def _with_credentials(masked: ApiDatabase, prior: DatabaseState, wanted: DatabaseArgs) -> ApiDatabase | None:
    """A database with the credentials that lists and replies mask, from the state; None when it does not have them."""
    if wanted.store_credentials is False:
        return masked
    if prior.db_password is None or any(getattr(masked, name) != getattr(prior, name) for name in _WHERE):
        return None
    known = {name: Secret(getattr(prior, name) or "") for name in ("db_password", "connection_string")}
    return masked.model_copy(update=known)


def _state(database: ApiDatabase, wanted: DatabaseArgs | None) -> DatabaseState:
    """wanted: the arguments or an earlier state; None on import."""
    quotas = database.quotas
    # Until it is active they are masked, or none at all.
    keep = (wanted is None or wanted.store_credentials is not False) and database.status != "provisioning"
    return DatabaseState.model_construct(
        name=database.name,
        db_type=database.db_type,
        region=database.region,
        plan=database.plan,
        team_id=database.team_id,
        storage_hard_limit_gb=quotas.storage_hard_limit_gb if quotas else None,
        connection_hard_limit=quotas.connection_hard_limit if quotas else None,
        warning_threshold_pct=quotas.warning_threshold_pct if quotas else None,
        uuid=database.uuid,
        status=database.status,
        host=database.host,
        port=database.port,
        db_name=database.db_name,
        db_username=database.db_username,
        db_password=reveal(database.db_password) if keep else None,
        connection_string=reveal(database.connection_string) if keep else None,
        team_name=database.team_name,
        created_at=format_timestamp(database.created_at),
        updated_at=format_timestamp(database.updated_at),
    )
