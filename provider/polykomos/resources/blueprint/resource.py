"""A blueprint's life at the API."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client import NotFoundError, ServerError, UnknownOutcomeError
from polykomos.client.retry import OUTAGE_SECONDS, backoff
from polykomos.resources.blueprint.create import create_request
from polykomos.resources.blueprint.schema import BlueprintArgs, BlueprintState, BlueprintVariable, normalize_variables
from polykomos.resources.conversions import format_timestamp, parse_uuid
from polykomos.resources.create_once import create_once
from polykomos.resources.errors import confirm_gone, not_found_as_error
from resourcekit.context import Context
from resourcekit.errors import CheckError, CheckFailure
from resourcekit.fields import field_specs, to_plain
from resourcekit.resource import RequiredScopes, Resource
from resourcekit.unknown import contains_unknown

if TYPE_CHECKING:
    from polykomos.client import Blueprint as ApiBlueprint
    from polykomos.client import Client

_FIELDS = ("name", "description", "sql_content", "variables")


class Blueprint(Resource[BlueprintArgs, BlueprintState, "Client"]):
    """Versioned SQL that can be applied to databases, in one transaction.

    The API checks the SQL, and this provider has it checked while previewing. Every argument changes in place; a new
    `sql_content` makes a new `version`. Variables are written `{{name}}`, outside of quotes. Applying is a resource of
    its own, `BlueprintApplication`.
    """

    name = "Blueprint"
    arguments = BlueprintArgs
    state = BlueprintState
    import_id = "its UUID"
    scopes = RequiredScopes(("blueprints:read",), ("blueprints:write",))
    url_collection = "blueprints"

    def preview(
        self, args: Mapping[str, Any], prior: BlueprintState | None, changed: frozenset[str], ctx: Context[Client]
    ) -> None:
        """Have the SQL validated by the API: errors stop the preview, destructive statements are warned of.

        The API judges the SQL together with the definitions of its variables, so a change of either is validated.
        """
        sql, variables = args.get("sql_content"), args.get("variables")
        if not isinstance(sql, str) or (prior is not None and not changed & {"sql_content", "variables"}):
            return
        # No definitions are sent as such: left out, the API would take every variable for a string.
        verdict = ctx.api.validate_blueprint(sql, None if contains_unknown(variables) else variables or {})
        for warning in verdict.warnings:
            ctx.warn(warning, attribute="sql_content")
        if not verdict.valid:
            raise CheckError(tuple(CheckFailure("sql_content", error) for error in verdict.errors))

    def normalize_id(self, id: str) -> str:
        return parse_uuid(id, "a blueprint's id is its UUID")

    def create(self, args: BlueprintArgs, ctx: Context[Client]) -> tuple[str, BlueprintState]:
        body = {name: value for name, value in _body(args).items() if value is not None}
        created = create_once(create_request(body, ctx.api), ctx)
        made = created.object
        if not created.adopted:
            return made.uuid, _state(made, args.sql_content)
        there = _state(made, made.sql_content or "")
        ctx.checkpoint(made.uuid, there)
        return made.uuid, self.update(made.uuid, args, there, _differing(body, there), ctx)

    def read(self, id: str, prior: BlueprintState | None, ctx: Context[Client]) -> BlueprintState | None:
        uuid = self.normalize_id(id)
        try:
            found = (
                ctx.api.read_blueprint(uuid, lambda listed: _with_sql(listed, prior))
                if prior is not None
                else ctx.api.get_blueprint(uuid)
            )
        except NotFoundError:
            if prior is not None:
                confirm_gone("blueprint", uuid, ctx)
            return None
        return _state(found, found.sql_content or "")

    def update(
        self, id: str, args: BlueprintArgs, prior: BlueprintState, changed: frozenset[str], ctx: Context[Client]
    ) -> BlueprintState:
        body = {name: value for name, value in _body(args).items() if name in changed}
        with not_found_as_error("blueprint", id, ctx):
            if body:
                return _state(_updated(id, body, ctx), args.sql_content)
            found = ctx.api.get_blueprint(id)
            return _state(found, found.sql_content or "")

    def list(self, ctx: Context[Client]) -> Iterable[tuple[str, str, BlueprintState]]:
        for listed in ctx.api.iter_blueprints():
            if not listed.is_system_blueprint:
                found = ctx.api.get_blueprint(listed.uuid)  # the list is without SQL
                yield found.uuid, found.name, _state(found, found.sql_content or "")

    def delete(self, id: str, prior: BlueprintState, ctx: Context[Client]) -> None:
        try:
            ctx.api.delete_blueprint(id)
        except NotFoundError:
            confirm_gone("blueprint", id, ctx)


def _updated(id: str, body: Mapping[str, Any], ctx: Context[Client]) -> ApiBlueprint:
    """The operation takes no key: after an answer that was lost, look before it is repeated."""
    until = time.monotonic() + min(OUTAGE_SECONDS, ctx.remaining())
    for attempt in itertools.count(1):
        try:
            return ctx.api.update_blueprint(id, body)
        except (UnknownOutcomeError, ServerError):
            found = ctx.api.get_blueprint(id)
            if not _differing(body, _state(found, found.sql_content or "")):
                return found
            pause = backoff(attempt)
            if time.monotonic() + pause > until or ctx.cancel.wait(pause):
                raise
    raise AssertionError("counting never ends")


def _with_sql(listed: ApiBlueprint, prior: BlueprintState) -> ApiBlueprint | None:
    """The listed blueprint with the SQL that lists leave out, when that of the state is still the one."""
    same = listed.version == prior.version and format_timestamp(listed.updated_at) == prior.updated_at
    return listed.model_copy(update={"sql_content": prior.sql_content}) if same and prior.sql_content else None


def _body(args: BlueprintArgs | BlueprintState) -> dict[str, Any]:
    return {name: to_plain(getattr(args, name)) for name in _FIELDS}


def _differing(body: Mapping[str, Any], there: BlueprintState) -> frozenset[str]:
    """The fields of a request that mean something else than what is there."""
    facts, before = field_specs(BlueprintArgs), _body(there)
    return frozenset(name for name, value in body.items() if not facts[name].semantically_equal(before[name], value))


def _state(blueprint: ApiBlueprint, sql_content: str) -> BlueprintState:
    """sql_content: from the read, or as sent, since the reply to a write need not hold it (api-facts, op 17)."""
    return BlueprintState.model_construct(
        name=blueprint.name,
        sql_content=sql_content,
        description=blueprint.description,
        variables=_variables(blueprint.variables),
        uuid=blueprint.uuid,
        slug=blueprint.slug,
        version=blueprint.version,
        content_type=blueprint.content_type,
        size_bytes=blueprint.size_bytes,
        is_system_blueprint=blueprint.is_system_blueprint,
        created_at=format_timestamp(blueprint.created_at),
        updated_at=format_timestamp(blueprint.updated_at),
    )


def _variables(reported: Mapping[str, Any] | None) -> dict[str, BlueprintVariable] | None:
    """The API's definitions; what we do not know of them is left out rather than refused."""
    if reported is None:
        return None
    known = BlueprintVariable.model_fields
    return {
        name: BlueprintVariable.model_construct(
            **{"required": False} | {k: v for k, v in definition.items() if k in known}
        )
        for name, definition in normalize_variables(reported).items()
    }
