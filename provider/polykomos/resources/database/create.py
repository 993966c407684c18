"""How a database is made exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client.polling import SERVER_WAIT_SECONDS
from polykomos.resources.candidate_bodies import ABSENT
from polykomos.resources.create_once import CreateRequest, RecentObjects, is_within_key_lifetime

if TYPE_CHECKING:
    from polykomos.client import Client, WriteResult
    from polykomos.client import Database as ApiDatabase


def create_request(body: Mapping[str, Any], api: Client, *, patient: bool = False) -> CreateRequest[ApiDatabase]:
    """body: the fields of the request. patient: whether the answer may be held back until the database is ready.

    Where nothing but the answer tells the id it may not: the sooner it is known, the less can be lost.
    """
    server_wait = SERVER_WAIT_SECONDS if patient else 0

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[ApiDatabase]:
        return api.create_database(**fields, server_wait=server_wait, idempotency_key=key)

    def find(made: ApiDatabase) -> ApiDatabase | None:
        found = api.get_database(made.uuid)
        return None if found.status == "deleted" else found

    def recent() -> list[ApiDatabase]:
        return [
            each
            for each in api.iter_databases()
            if each.status != "deleted" and is_within_key_lifetime(each.created_at)
        ]

    return CreateRequest(
        noun="database",
        body=body,
        send=send,
        refetch=find,
        id_of=lambda made: made.uuid,
        created_at=lambda made: made.created_at,
        required=("name",),
        recent=RecentObjects(recent, _options, label="name"),
    )


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
