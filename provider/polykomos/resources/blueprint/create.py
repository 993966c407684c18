"""The create call of a blueprint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from polykomos.client import NotFoundError
from polykomos.resources.candidate_bodies import ABSENT, closest_names_first
from polykomos.resources.create_request import CreateRequest, RecentObjects, is_within_key_lifetime

if TYPE_CHECKING:
    from polykomos.client import Blueprint as ApiBlueprint
    from polykomos.client import Client, WriteResult

# Lists do not contain SQL, so each candidate costs one more call.
_MOST_READ: Final = 30


def create_request(body: Mapping[str, Any], api: Client) -> CreateRequest[ApiBlueprint]:
    """Return the create call of a blueprint; `body` contains the request's fields."""

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[ApiBlueprint]:
        return api.create_blueprint(**fields, idempotency_key=key)

    def refetch(created: ApiBlueprint) -> ApiBlueprint:
        return api.get_blueprint(created.uuid)

    def recent() -> list[ApiBlueprint]:
        own = [
            blueprint
            for blueprint in api.iter_blueprints()
            if not blueprint.is_system_blueprint and is_within_key_lifetime(blueprint.created_at)
        ]
        return closest_names_first(own, lambda blueprint: blueprint.name, body["name"])[:_MOST_READ]

    def fetch_full(listed: ApiBlueprint) -> ApiBlueprint | None:
        try:
            return api.get_blueprint(listed.uuid)
        except NotFoundError:
            return None

    return CreateRequest(
        noun="blueprint",
        body=body,
        send=send,
        refetch=refetch,
        id_of=lambda blueprint: blueprint.uuid,
        created_at=lambda blueprint: blueprint.created_at,
        required=("name", "sql_content"),
        recent=RecentObjects(recent, _possible_bodies, label="name", fetch_full=fetch_full),
    )


def _possible_bodies(blueprint: ApiBlueprint) -> dict[str, list[Any]]:
    """Return the values that the request that created a blueprint may have had."""
    return {
        "name": [blueprint.name],
        "sql_content": [blueprint.sql_content],
        "description": [blueprint.description or ABSENT, ABSENT],
        "variables": [blueprint.variables or {}, ABSENT],
    }
