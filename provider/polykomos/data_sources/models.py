"""What the functions answer with. Lists hold no secrets: credentials come from a single `getDatabase` alone."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from resourcekit.fields import Result, Secret


class DatabaseSummary(BaseModel):
    """A database as the list shows it, without credentials."""

    uuid: str = Field(description="The database's UUID.")
    name: str = Field(description="Its name.")
    status: str | None = Field(None, description="`active`, `provisioning`, `paused` or `deleted`.")
    db_type: str | None = Field(None, description="Engine.")
    region: str | None = Field(None, description="Region code.")
    plan: str | None = Field(None, description="Plan.")
    storage_hard_limit_gb: float | None = Field(None, description="Storage limit in GB.")
    connection_hard_limit: int | None = Field(None, description="Most connections at once.")
    warning_threshold_pct: int | None = Field(None, description="Percentage of a limit at which to warn.")
    host: str | None = Field(None, description="Host to connect to.")
    port: int | None = Field(None, description="Port to connect to.")
    db_name: str | None = Field(None, description="Name of the database on its server.")
    db_username: str | None = Field(None, description="User to connect as.")
    team_id: int | None = Field(None, description="Owning team.")
    team_name: str | None = Field(None, description="Name of the owning team.")
    created_at: str | None = Field(None, description="When it was created (RFC 3339).")
    updated_at: str | None = Field(None, description="When it was last changed (RFC 3339).")


class GetDatabaseResult(DatabaseSummary, Result):
    """A database with its credentials."""

    db_password: Annotated[str | None, Secret()] = Field(None, description="The user's password.")
    connection_string: Annotated[str | None, Secret()] = Field(None, description="URL with user and password.")


class GetDatabasesResult(Result):
    """All databases."""

    databases: list[DatabaseSummary] = Field(description="Every database that the key may see, newest first.")


class Region(BaseModel):
    """A region of an engine."""

    code: str = Field(description="Code, as `region` takes it.")
    label: str | None = Field(None, description="Name for people.")
    is_available: bool | None = Field(None, description="Whether databases can be created there now.")


class DatabaseType(BaseModel):
    """A database engine on offer."""

    value: str = Field(description="Value, as `db_type` takes it.")
    label: str | None = Field(None, description="Name for people.")
    is_provisionable: bool | None = Field(None, description="Whether it can be created through the API.")
    is_available: bool | None = Field(None, description="Whether it can be created now.")
    regions: list[Region] = Field([], description="Where it is offered.")


class GetDatabaseTypesResult(Result):
    """The catalogue."""

    database_types: list[DatabaseType] = Field(description="Engines with their regions.")


class GetAccountResult(Result):
    """Who the key belongs to and what it may do."""

    user_name: str | None = Field(None, description="The user's name.")
    user_email: str | None = Field(None, description="The user's e-mail address.")
    key_name: str | None = Field(None, description="The API key's name.")
    key_preview: str | None = Field(None, description="The key's first and last characters.")
    key_status: str | None = Field(None, description="`active` unless expired or revoked.")
    permissions: list[str] = Field([], description="Scopes of the key, such as `databases:read`.")
    requests_per_minute: int | None = Field(None, description="The key's rate limit.")
    monthly_quota: int | None = Field(None, description="Most requests a month; null is unlimited.")
    allowed_ip_list: list[str] = Field([], description="Addresses that may use it; empty is all.")
    inactive_ttl_days: int | None = Field(None, description="Days without use after which it expires.")


class BlueprintSummary(BaseModel):
    """A blueprint as the list shows it, without its SQL."""

    uuid: str = Field(description="The blueprint's UUID.")
    name: str = Field(description="Its name.")
    slug: str | None = Field(None, description="Its name in URLs.")
    description: str | None = Field(None, description="What it does.")
    version: int | None = Field(None, description="Version of its SQL.")
    size_bytes: int | None = Field(None, description="Size of its SQL in bytes.")
    is_system_blueprint: bool | None = Field(None, description="Whether it is Polykomos's own.")
    created_at: str | None = Field(None, description="When it was created (RFC 3339).")
    updated_at: str | None = Field(None, description="When it was last changed (RFC 3339).")


class GetBlueprintResult(BlueprintSummary, Result):
    """A blueprint with its SQL."""

    sql_content: str | None = Field(None, description="Its SQL.")
    variables: dict[str, Any] | None = Field(None, description="Definitions of its variables, by name.")


class GetBlueprintsResult(Result):
    """All blueprints."""

    blueprints: list[BlueprintSummary] = Field(description="Your blueprints and the system's, newest first.")


class WebhookEndpointSummary(BaseModel):
    """A webhook endpoint as the list shows it, without its secret."""

    id: int = Field(description="The endpoint's number.")
    url: str = Field(description="Where events go.")
    events: list[str] = Field([], description="Events that it gets; empty is all.")
    status: str | None = Field(None, description="`active` or `revoked`.")
    last_success_at: str | None = Field(None, description="Last delivery that succeeded.")
    last_failure_at: str | None = Field(None, description="Last delivery that failed.")
    created_at: str | None = Field(None, description="When it was created.")


class GetWebhookEndpointsResult(Result):
    """All webhook endpoints."""

    webhook_endpoints: list[WebhookEndpointSummary] = Field(description="Every endpoint, revoked ones too.")


class WebhookDelivery(BaseModel):
    """One delivery to an endpoint."""

    id: int = Field(description="The delivery's number.")
    event_type: str | None = Field(None, description="The event.")
    status: str | None = Field(None, description="`pending`, `delivered` or `failed`.")
    response_code: int | None = Field(None, description="The receiver's HTTP status.")
    error_message: str | None = Field(None, description="Why it failed.")
    attempt_count: int | None = Field(None, description="Attempts so far.")
    created_at: str | None = Field(None, description="When it was made.")


class GetWebhookDeliveriesResult(Result):
    """All deliveries of an endpoint."""

    deliveries: list[WebhookDelivery] = Field(description="Deliveries, newest first.")


class ValidateBlueprintResult(Result):
    """What the API thinks of some SQL."""

    valid: bool = Field(description="Whether a blueprint of this SQL would be accepted.")
    statement_count: int | None = Field(None, description="Statements found.")
    errors: list[str] = Field([], description="Why it is not valid.")
    warnings: list[str] = Field([], description="What is valid but destructive.")


class RunQueryResult(Result):
    """What a query ran and found."""

    sql: str | None = Field(None, description="The SQL that was run.")
    result: Any = Field(None, description="`type` and, by it, `rows` and `rowCount`, `affectedRows` or "
                        "`statementsExecuted`, as the API names them.")  # fmt: skip
    query_id: int | None = Field(None, description="Number of the query, for support.")
