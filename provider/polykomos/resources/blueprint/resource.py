"""The `Blueprint` resource."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client import NotFoundError, ServerError, UnknownOutcomeError
from polykomos.resources.blueprint.create import create_request
from polykomos.resources.blueprint.schema import BlueprintArgs, BlueprintState, BlueprintVariable, normalize_variables
from polykomos.resources.conversions import format_timestamp, parse_uuid, shared_fields
from polykomos.resources.create_once import create_once
from polykomos.resources.errors import confirm_gone, not_found_as_error
from resourcekit.context import Context
from resourcekit.declaration import RequiredScopes
from resourcekit.errors import CheckError, CheckFailure
from resourcekit.fields import field_specs, to_plain
from resourcekit.http.retry import OUTAGE_SECONDS, backoff
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.resource import Resource
from resourcekit.unknown import contains_unknown

if TYPE_CHECKING:
    from polykomos.client import Blueprint as ApiBlueprint
    from polykomos.client import Client

_FIELDS = ("name", "description", "sql_content", "variables")


class Blueprint(Resource[BlueprintArgs, BlueprintState, "Client"]):
    """Versioned SQL that can be applied to databases, in one transaction.

    The API validates the SQL, in a preview too. Every argument changes in place; a new `sql_content` makes a new
    `version`. Write variables as `{{name}}`, outside of quotes. To apply a blueprint to a database, use a
    `BlueprintApplication`.
    """

    name = "Blueprint"
    import_id = "its UUID"
    scopes = RequiredScopes(("blueprints:read",), ("blueprints:write",))
    list_filters = ("name", "slug", "version")
    url_collection = "blueprints"

    def preview(
        self, args: Mapping[str, Any], prior: BlueprintState | None, changed: frozenset[str], ctx: Context[Client]
    ) -> None:
        """Let the API validate the SQL: errors stop the preview, destructive statements cause warnings.

        The API validates the SQL together with the definitions of its variables, so a change of either is validated.
        """
        sql, variables = args.get("sql_content"), args.get("variables")
        if not isinstance(sql, str) or (prior is not None and not changed & {"sql_content", "variables"}):
            return
        # An empty object is sent for no definitions: if omitted, the API would treat every variable as a string.
        verdict = ctx.api.validate_blueprint(sql, None if contains_unknown(variables) else variables or {})
        for warning in verdict.warnings:
            ctx.warn(warning, attribute="sql_content")
        if not verdict.valid:
            raise CheckError(tuple(CheckFailure("sql_content", error) for error in verdict.errors))

    def normalize_id(self, id: str) -> str:
        """Return the UUID in lower case."""
        return parse_uuid(id, "a blueprint's id is its UUID")

    def create(self, args: BlueprintArgs, ctx: Context[Client]) -> tuple[str, BlueprintState]:
        """Create the blueprint, or adopt and update the one that an interrupted run created."""
        body = {name: value for name, value in _body(args).items() if value is not None}
        result = create_once(create_request(body, ctx.api), ctx)
        blueprint = result.object
        if not result.adopted:
            return blueprint.uuid, _state(blueprint, args.sql_content)
        state = _state(blueprint, blueprint.sql_content or "")
        ctx.checkpoint(blueprint.uuid, state)
        return blueprint.uuid, self.update(blueprint.uuid, args, state, _differing(body, state), ctx)

    def read(self, id: str, prior: BlueprintState | None, ctx: Context[Client]) -> BlueprintState | None:
        """Read the blueprint, from a list page if its SQL has not changed since the last read."""
        uuid = self.normalize_id(id)
        try:
            blueprint = (
                ctx.api.read_blueprint(uuid, lambda listed: _with_sql(listed, prior))
                if prior is not None
                else ctx.api.get_blueprint(uuid)
            )
        except NotFoundError:
            if prior is not None:
                confirm_gone("blueprint", uuid, ctx)
            return None
        return _state(blueprint, blueprint.sql_content or "")

    def update(
        self, id: str, args: BlueprintArgs, prior: BlueprintState, changed: frozenset[str], ctx: Context[Client]
    ) -> BlueprintState:
        """Change the given fields; without any, read the blueprint."""
        body = {name: value for name, value in _body(args).items() if name in changed}
        with not_found_as_error("blueprint", id, ctx):
            if body:
                return _state(_update_fields(id, body, ctx), args.sql_content)
            blueprint = ctx.api.get_blueprint(id)
            return _state(blueprint, blueprint.sql_content or "")

    def list(self, ctx: Context[Client], query: ListQuery = EVERYTHING) -> Iterable[tuple[str, str, BlueprintState]]:
        """Yield id, name and state of each blueprint of the user."""
        for listed in ctx.api.iter_blueprints(query.after or None):
            if not listed.is_system_blueprint:
                # Lists do not contain SQL.
                blueprint = ctx.api.get_blueprint(listed.uuid) if query.complete else listed
                yield blueprint.uuid, blueprint.name, _state(blueprint, blueprint.sql_content or "")

    def delete(self, id: str, prior: BlueprintState, ctx: Context[Client]) -> None:
        """Delete the blueprint; one that was already deleted is no error."""
        try:
            ctx.api.delete_blueprint(id)
        except NotFoundError:
            confirm_gone("blueprint", id, ctx)


def _update_fields(id: str, body: Mapping[str, Any], ctx: Context[Client]) -> ApiBlueprint:
    """Update fields, and retry through an outage.

    The operation takes no idempotency key: after a lost response, read the blueprint before sending it again.
    """
    until = time.monotonic() + min(OUTAGE_SECONDS, ctx.remaining())
    for attempt in itertools.count(1):
        try:
            return ctx.api.update_blueprint(id, body)
        except (UnknownOutcomeError, ServerError):
            blueprint = ctx.api.get_blueprint(id)
            if not _differing(body, _state(blueprint, blueprint.sql_content or "")):
                return blueprint
            pause = backoff(attempt)
            if time.monotonic() + pause > until or ctx.cancel.wait(pause):
                raise
    raise AssertionError("counting never ends")


def _with_sql(listed: ApiBlueprint, prior: BlueprintState) -> ApiBlueprint | None:
    """Return a listed blueprint with the SQL in the state, or None if it may have changed since."""
    is_unchanged = listed.version == prior.version and format_timestamp(listed.updated_at) == prior.updated_at
    return listed.model_copy(update={"sql_content": prior.sql_content}) if is_unchanged and prior.sql_content else None


def _body(args: BlueprintArgs | BlueprintState) -> dict[str, Any]:
    return {name: to_plain(getattr(args, name)) for name in _FIELDS}


def _differing(body: Mapping[str, Any], state: BlueprintState) -> frozenset[str]:
    """Return the fields of a request that are not semantically equal to those of a state."""
    specs, before = field_specs(BlueprintArgs), _body(state)
    return frozenset(name for name, value in body.items() if not specs[name].semantically_equal(before[name], value))


def _state(blueprint: ApiBlueprint, sql_content: str) -> BlueprintState:
    """Return the state of a blueprint. The response to a write need not contain its SQL (api-facts, op 17)."""
    fields = shared_fields(BlueprintState, blueprint)
    fields |= {"sql_content": sql_content, "variables": _variables(blueprint.variables)}
    return BlueprintState.model_construct(**fields)


def _variables(reported: Mapping[str, Any] | None) -> dict[str, BlueprintVariable] | None:
    """Return the API's definitions without the keys that this provider does not know."""
    if reported is None:
        return None
    known = BlueprintVariable.model_fields
    return {
        name: BlueprintVariable.model_construct(
            **{"required": False} | {k: v for k, v in definition.items() if k in known}
        )
        for name, definition in normalize_variables(reported).items()
    }
