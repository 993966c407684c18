"""The create call of a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykomos.client.polling import SERVER_WAIT_SECONDS
from polykomos.resources.candidate_bodies import ABSENT, closest_names_first
from polykomos.resources.create_request import CreateRequest, RecentObjects, is_within_key_lifetime

if TYPE_CHECKING:
    from polykomos.client import Client, WriteResult
    from polykomos.client import Database as ApiDatabase


def create_request(body: Mapping[str, Any], api: Client, *, patient: bool = False) -> CreateRequest[ApiDatabase]:
    """Return the create call of a database.

    Args:
        body: The request's fields.
        api: The client.
        patient: Whether the API may delay the response until the database is ready. False if only the response
            reveals the id: the earlier it arrives, the less an interrupt can lose.
    """
    server_wait = SERVER_WAIT_SECONDS if patient else 0

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[ApiDatabase]:
        return api.create_database(**fields, server_wait=server_wait, idempotency_key=key)

    def refetch(created: ApiDatabase) -> ApiDatabase | None:
        database = api.get_database(created.uuid)
        return None if database.status == "deleted" else database

    def recent() -> list[ApiDatabase]:
        young = (
            database
            for database in api.iter_databases()
            if database.status != "deleted" and is_within_key_lifetime(database.created_at)
        )
        return closest_names_first(young, lambda database: database.name, body.get("name"))

    return CreateRequest(
        noun="database",
        body=body,
        send=send,
        refetch=refetch,
        id_of=lambda database: database.uuid,
        created_at=lambda database: database.created_at,
        required=("name",),
        recent=RecentObjects(recent, _possible_bodies, label="name"),
    )


def _possible_bodies(database: ApiDatabase) -> dict[str, list[Any]]:
    """Return the values that the request that created a database may have had."""
    quotas = database.quotas
    reported = {
        "db_type": database.db_type,
        "region": database.region,
        "plan": database.plan,
        "team_id": database.team_id,
        "storage_hard_limit_gb": quotas.storage_hard_limit_gb if quotas else None,
        "connection_hard_limit": quotas.connection_hard_limit if quotas else None,
        "warning_threshold_pct": quotas.warning_threshold_pct if quotas else None,
    }
    return {"name": [database.name], **{name: [value, ABSENT] for name, value in reported.items() if value is not None}}
