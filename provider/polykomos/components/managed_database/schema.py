"""Arguments and outputs of a `ManagedDatabase`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from polykomos.resources.conversions import is_uuid
from polykomos.resources.database.schema import NAME_RULE, DatabaseBaseArgs
from polykomos.resources.webhook_endpoint.schema import WebhookEndpointArgs
from resourcekit.fields import Result, Secret, Validator, WriteOnlyVariant


class ManagedDatabaseBlueprint(BaseModel):
    """A blueprint that is applied to the database, at one version."""

    model_config = ConfigDict(extra="forbid")

    blueprint_uuid: Annotated[str, Validator(is_uuid, "must be a UUID")] = Field(description="Blueprint to apply.")
    blueprint_version: int = Field(
        ge=1,
        description="Version to apply. Set it to the blueprint's `version` output to apply every new version, with a "
        "preview. A number is a pin: if the blueprint has another version, the plan fails.",
    )
    variables: Annotated[dict[str, Any] | None, WriteOnlyVariant()] = Field(
        None, description="Values of the blueprint's variables, by name."
    )


class ManagedDatabaseWebhook(WebhookEndpointArgs):
    """The webhook endpoint; it receives the events of all databases of the account."""


class ManagedDatabaseArgs(DatabaseBaseArgs):
    """The arguments of a managed database."""

    name: Annotated[str | None, NAME_RULE] = Field(  # type: ignore[assignment]  # the resource has a required name
        None,
        description="Name of 1-63 lowercase letters, digits and hyphens, not beginning with a hyphen. Renamed in "
        "place; the database's name on its server, user and connection string do not change. If omitted, it is "
        "generated as that of a `Database`.",
    )
    deletion_protection: bool | None = Field(
        None,
        description="Whether to reject deleting and replacing the database, in a preview too. To allow either, set "
        "it to false and apply that first. Default false.",
    )
    blueprints: list[ManagedDatabaseBlueprint] | None = Field(
        None,
        description="Blueprints to apply, one after the other. An application is identified by its position in the "
        "list: add new ones at the end.",
    )
    webhook: ManagedDatabaseWebhook | None = Field(
        None,
        description="Webhook endpoint, created before the database and revoked after it, to get all events.",
    )


class ManagedDatabaseEndpoint(BaseModel):
    """The address of a database."""

    host: str = Field(description="Host to connect to.")
    port: int = Field(description="Port to connect to.")
    database: str = Field(description="Name of the database on its server.")


class ManagedDatabaseResult(Result):
    """The outputs of a managed database."""

    database_uuid: str = Field(description="The database's UUID.")
    endpoint: ManagedDatabaseEndpoint = Field(description="Address of the database; not a secret.")
    connection_string: Annotated[str, Secret()] = Field(description="URL with user and password, ready for a client.")
    environment: Annotated[dict[str, dict[str, str]], Secret()] = Field(
        description="Environment variables by role. `app` can connect: it has `DATABASE_URL` and the variables of the "
        "engine's clients (`PGHOST`, `PGUSER`, `PGPASSWORD` and so on, or `MYSQL_HOST` and so on). `observer` has the "
        "address only: no URL, user or password. The whole map is secret, because most languages mark a map with "
        "secrets as a whole; `endpoint` has the address as plain text."
    )
    application_ids: list[int] = Field(
        description="The applications' numbers at the API, in the order of `blueprints`."
    )
    webhook_secret: Annotated[str | None, Secret()] = Field(
        None, description="Secret that signs the webhook's deliveries (`whsec_…`); null without a webhook."
    )
