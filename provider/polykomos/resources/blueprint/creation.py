"""How a blueprint is made exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from polykomos.client import Blueprint as ApiBlueprint
from polykomos.client import Client, NotFound
from polykomos.resources.creation import ABSENT, Kind, is_recent, variations

_MOST_AT_ONCE: Final = 2  # arguments that were edited between an interrupted run and the next


def creation_of(body: Mapping[str, Any], api: Client) -> Kind[ApiBlueprint]:
    """body: the fields of the request."""

    def send(fields: Mapping[str, Any], key: str) -> tuple[ApiBlueprint, bool]:
        written = api.create_blueprint(**fields, idempotency_key=key)
        return written.object, written.replayed

    def find(made: ApiBlueprint) -> ApiBlueprint | None:
        try:
            return api.get_blueprint(made.uuid)
        except NotFound:
            return None

    def earlier() -> Iterator[tuple[ApiBlueprint, Iterable[Mapping[str, Any]]]]:
        for listed in api.iter_blueprints():
            if listed.is_system_blueprint or not is_recent(listed.created_at):
                continue
            found = find(listed)  # the list is without SQL
            if found is not None and (found.name == body["name"] or found.sql_content == body["sql_content"]):
                yield found, variations(body, _options(found), _MOST_AT_ONCE)

    return Kind("blueprint", body, send, find, lambda made: made.uuid, earlier)


def _options(found: ApiBlueprint) -> dict[str, list[Any]]:
    """What the request that made it may have held."""
    return {
        "name": [found.name],
        "sql_content": [found.sql_content],
        "description": [found.description or ABSENT, ABSENT],
        "variables": [found.variables or ABSENT, ABSENT],
    }
