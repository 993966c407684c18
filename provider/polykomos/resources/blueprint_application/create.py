"""How a blueprint is applied exactly once for one declared version and set of variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykomos.resources.blueprint_application.id import ApplicationId
from polykomos.resources.blueprint_application.schema import BlueprintApplicationArgs
from polykomos.resources.create_once import CreateRequest

if TYPE_CHECKING:
    from polykomos.client import BlueprintApplication as ApiApplication
    from polykomos.client import Client, WriteResult


def create_request(args: BlueprintApplicationArgs, version: int | None, api: Client) -> CreateRequest[ApiApplication]:
    """version: the blueprint's, which the API is going to apply.

    Applications cannot be listed, so one that was begun with other arguments could not be found again: what is applied
    belongs into the key. One that failed has left nothing and is not taken over, else its error would be for ever.
    """
    # None and an empty object are the same to the API, and must come to the same key and body.
    variables = args.variables or None
    body: dict[str, Any] = {"blueprint_uuid": args.blueprint_uuid, "variables": variables}

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[ApiApplication]:
        return api.apply_blueprint(args.database_uuid, **fields, idempotency_key=key)

    def find(made: ApiApplication) -> ApiApplication | None:
        found = api.get_blueprint_application(made.id)
        return None if found.status in ("failed", "rolled_back") else found

    def id_of(made: ApiApplication) -> str:
        return str(ApplicationId(args.database_uuid, args.blueprint_uuid, made.id))

    facts = (args.database_uuid, args.blueprint_uuid, str(version), json.dumps(variables, sort_keys=True))
    return CreateRequest(
        noun="blueprint application",
        body=body,
        send=send,
        refetch=find,
        id_of=id_of,
        created_at=lambda made: made.created_at,
        required=("blueprint_uuid",),
        key_parts=facts,
    )
