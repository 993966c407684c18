"""What a managed database is made of, and what it gives to the rest of the program."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from polykomos.resources.conversions import is_uuid
from polykomos.resources.database.schema import DatabaseBaseArgs
from polykomos.resources.webhook_endpoint.schema import WebhookEndpointArgs
from resourcekit.fields import Result, Secret, Validator, WriteOnlyVariant


class ManagedDatabaseBlueprint(BaseModel):
    """A blueprint that is applied to the database, at one version."""

    model_config = ConfigDict(extra="forbid")

    blueprint_uuid: Annotated[str, Validator(is_uuid, "must be a UUID")] = Field(description="Blueprint to apply.")
    blueprint_version: int = Field(
        ge=1,
        description="Version that is applied. Give it the blueprint's own `version` output to apply every new version, "
        "seen in preview. A number is a pin: when the blueprint has moved on, the plan fails and says so.",
    )
    variables: Annotated[dict[str, Any] | None, WriteOnlyVariant()] = Field(
        None, description="Values of the blueprint's variables, by name."
    )


class ManagedDatabaseWebhook(WebhookEndpointArgs):
    """Where the account's database events are sent, those of this database among them."""


class ManagedDatabaseArgs(DatabaseBaseArgs):
    """The arguments of a managed database."""

    deletion_protection: bool | None = Field(
        None,
        description="While true, the database can neither be deleted nor replaced; a preview says so already. Set it "
        "to false and apply that before either. Default false.",
    )
    blueprints: list[ManagedDatabaseBlueprint] | None = Field(
        None,
        description="Blueprints to apply, each when the one before has been. The place in the list is what an "
        "application is known by: add at the end.",
    )
    webhook: ManagedDatabaseWebhook | None = Field(
        None, description="A webhook endpoint, made before the database and revoked after it, so that it hears of both."
    )


class ManagedDatabaseEndpoint(BaseModel):
    """Where a database is reached."""

    host: str = Field(description="Host to connect to.")
    port: int = Field(description="Port to connect to.")
    database: str = Field(description="Name of the database on its server.")


class ManagedDatabaseResult(Result):
    """What a managed database gives to the rest of the program."""

    database_uuid: str = Field(description="The database's UUID.")
    endpoint: ManagedDatabaseEndpoint = Field(description="Where the database is reached; no secret.")
    connection_string: Annotated[str, Secret()] = Field(description="URL with user and password, ready for a client.")
    environment: Annotated[dict[str, dict[str, str]], Secret()] = Field(
        description="Environment variables by the role of who gets them. `app` connects: `DATABASE_URL` and what the "
        "engine's own clients read (`PGHOST`, `PGUSER`, `PGPASSWORD` and so on, `MYSQL_HOST` and so on). `observer` "
        "knows where the database is and cannot connect: no URL, user or password. Secret as a whole, because a map "
        "that holds secrets is so in most languages; `endpoint` tells the same in the open."
    )
    application_ids: list[int] = Field(
        description="The applications' numbers at the API, in the order of `blueprints`."
    )
    webhook_secret: Annotated[str | None, Secret()] = Field(
        None, description="Secret that signs the webhook's deliveries (`whsec_…`); null without a webhook."
    )
