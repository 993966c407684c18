"""The create call of a blueprint application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykomos.resources.blueprint_application.id import ApplicationId
from polykomos.resources.blueprint_application.schema import BlueprintApplicationArgs
from polykomos.resources.create_request import CreateRequest

if TYPE_CHECKING:
    from polykomos.client import BlueprintApplication as ApiApplication
    from polykomos.client import Client, WriteResult


def create_request(args: BlueprintApplicationArgs, version: int | None, api: Client) -> CreateRequest[ApiApplication]:
    """Return the create call of an application.

    The key contains what is applied: applications cannot be listed, so one that an earlier run started with other
    arguments could not be found again. An application from before the one that is being replaced was replaced itself:
    it is not adopted. A failed application left nothing in the database and is not adopted; otherwise
    every later run would report its error. The API applies the blueprint's current version.
    """
    # None and an empty object mean the same to the API, so they must give the same key and body.
    variables = args.variables or None
    body: dict[str, Any] = {"blueprint_uuid": args.blueprint_uuid, "variables": variables}

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[ApiApplication]:
        return api.apply_blueprint(args.database_uuid, **fields, idempotency_key=key)

    def refetch(created: ApiApplication) -> ApiApplication | None:
        application = api.get_blueprint_application(created.id)
        return None if application.status in ("failed", "rolled_back") else application

    def id_of(application: ApiApplication) -> str:
        return str(ApplicationId(args.database_uuid, args.blueprint_uuid, application.id))

    def precedes(application: ApiApplication, id: str) -> bool:
        return bool(id) and application.id < ApplicationId.parse(id).number

    key_parts = (args.database_uuid, args.blueprint_uuid, str(version), json.dumps(variables, sort_keys=True))
    return CreateRequest(
        noun="blueprint application",
        body=body,
        send=send,
        refetch=refetch,
        id_of=id_of,
        created_at=lambda application: application.created_at,
        required=("blueprint_uuid",),
        key_parts=key_parts,
        precedes=precedes,
    )
