"""How a blueprint is made exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from polykomos.client import NotFoundError
from polykomos.resources.candidate_bodies import ABSENT
from polykomos.resources.create_once import CreateRequest, RecentObjects, is_within_key_lifetime

if TYPE_CHECKING:
    from polykomos.client import Blueprint as ApiBlueprint
    from polykomos.client import Client, WriteResult

# Lists are without SQL, so that each of them is one call more.
_MOST_READ: Final = 30


def create_request(body: Mapping[str, Any], api: Client) -> CreateRequest[ApiBlueprint]:
    """body: the fields of the request."""

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[ApiBlueprint]:
        return api.create_blueprint(**fields, idempotency_key=key)

    def find(made: ApiBlueprint) -> ApiBlueprint:
        return api.get_blueprint(made.uuid)

    def recent() -> list[ApiBlueprint]:
        found = [
            each
            for each in api.iter_blueprints()
            if not each.is_system_blueprint and is_within_key_lifetime(each.created_at)
        ]
        return sorted(found, key=lambda each: each.name != body["name"])[:_MOST_READ]

    def whole(listed: ApiBlueprint) -> ApiBlueprint | None:
        try:
            return api.get_blueprint(listed.uuid)
        except NotFoundError:
            return None

    return CreateRequest(
        noun="blueprint",
        body=body,
        send=send,
        refetch=find,
        id_of=lambda made: made.uuid,
        created_at=lambda made: made.created_at,
        required=("name", "sql_content"),
        recent=RecentObjects(recent, _options, label="name", fetch_full=whole),
    )


def _options(found: ApiBlueprint) -> dict[str, list[Any]]:
    """What the request that made it may have held."""
    return {
        "name": [found.name],
        "sql_content": [found.sql_content],
        "description": [found.description or ABSENT, ABSENT],
        "variables": [found.variables or {}, ABSENT],
    }
