"""How a database is made exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from polykomos.client import Client, NotFound
from polykomos.client import Database as ApiDatabase
from polykomos.resources.creation import ABSENT, Kind, is_recent, variations

_MOST_AT_ONCE: Final = 2  # arguments that were edited between an interrupted run and the next


def creation_of(body: Mapping[str, Any], api: Client) -> Kind[ApiDatabase]:
    """body: the fields of the request."""

    def send(fields: Mapping[str, Any], key: str) -> tuple[ApiDatabase, bool]:
        # Not held back by the server: the sooner the id is known, the less an interruption can lose.
        written = api.create_database(**fields, server_wait=0, idempotency_key=key)
        return written.object, written.replayed

    def find(made: ApiDatabase) -> ApiDatabase | None:
        try:
            found = api.get_database(made.uuid)
        except NotFound:
            return None
        return None if found.status == "deleted" else found

    def earlier() -> Iterator[tuple[ApiDatabase, Iterable[Mapping[str, Any]]]]:
        for found in api.iter_databases():
            options = _options(found)
            if found.status != "deleted" and is_recent(found.created_at) and _differing(body, options) <= _MOST_AT_ONCE:
                yield found, variations(body, options, _MOST_AT_ONCE)

    return Kind("database", body, send, find, lambda made: made.uuid, earlier)


def _differing(body: Mapping[str, Any], options: Mapping[str, list[Any]]) -> int:
    """How many of the arguments given are not what is there."""
    return sum(value != options[name][0] for name, value in body.items() if name in options)


def _options(found: ApiDatabase) -> dict[str, list[Any]]:
    """What the request that made it may have held."""
    quotas = found.quotas
    shown = {
        "db_type": found.db_type,
        "region": found.region,
        "plan": found.plan,
        "team_id": found.team_id,
        "storage_hard_limit_gb": quotas.storage_hard_limit_gb if quotas else None,
        "connection_hard_limit": quotas.connection_hard_limit if quotas else None,
        "warning_threshold_pct": quotas.warning_threshold_pct if quotas else None,
    }
    return {"name": [found.name], **{name: [value, ABSENT] for name, value in shown.items() if value is not None}}
