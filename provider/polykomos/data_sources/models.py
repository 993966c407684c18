"""Results of the data sources. Lists contain no secrets: only `getDatabase` returns credentials."""

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
    connection_hard_limit: int | None = Field(None, description="Maximum number of concurrent connections.")
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

    code: str = Field(description="Code, as accepted by `region`.")
    label: str | None = Field(None, description="Display name.")
    is_available: bool | None = Field(None, description="Whether databases can be created there now.")


class DatabaseType(BaseModel):
    """A database engine."""

    value: str = Field(description="Value, as accepted by `db_type`.")
    label: str | None = Field(None, description="Display name.")
    is_provisionable: bool | None = Field(None, description="Whether it can be created through the API.")
    is_available: bool | None = Field(None, description="Whether it can be created now.")
    regions: list[Region] = Field([], description="Regions of the engine.")


class GetDatabaseTypesResult(Result):
    """All engines."""

    database_types: list[DatabaseType] = Field(description="Engines with their regions.")


class GetAccountResult(Result):
    """The user, scopes and limits of the key."""

    user_name: str | None = Field(None, description="The user's name.")
    user_email: str | None = Field(None, description="The user's e-mail address.")
    key_name: str | None = Field(None, description="The API key's name.")
    key_preview: str | None = Field(None, description="The key's first and last characters.")
    key_status: str | None = Field(None, description="`active` unless expired or revoked.")
    permissions: list[str] = Field([], description="Scopes of the key, such as `databases:read`.")
    requests_per_minute: int | None = Field(None, description="The key's rate limit, in requests per minute.")
    monthly_quota: int | None = Field(None, description="Maximum number of requests per month; null is unlimited.")
    allowed_ip_list: list[str] = Field([], description="IP addresses that may use the key; empty is all.")
    inactive_ttl_days: int | None = Field(None, description="Days without use after which the key expires.")


class BlueprintSummary(BaseModel):
    """A blueprint as the list shows it, without its SQL."""

    uuid: str = Field(description="The blueprint's UUID.")
    name: str = Field(description="Its name.")
    slug: str | None = Field(None, description="Its name in URLs.")
    description: str | None = Field(None, description="What it does.")
    version: int | None = Field(None, description="Version of its SQL.")
    size_bytes: int | None = Field(None, description="Size of its SQL in bytes.")
    is_system_blueprint: bool | None = Field(None, description="Whether it is a blueprint of Polykomos.")
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
    url: str = Field(description="URL that receives the events.")
    events: list[str] = Field([], description="Events that are sent to it; empty is all.")
    status: str | None = Field(None, description="`active` or `revoked`.")
    last_success_at: str | None = Field(None, description="Time of the last successful delivery (RFC 3339).")
    last_failure_at: str | None = Field(None, description="Time of the last failed delivery (RFC 3339).")
    created_at: str | None = Field(None, description="When it was created (RFC 3339).")


class GetWebhookEndpointsResult(Result):
    """All webhook endpoints."""

    webhook_endpoints: list[WebhookEndpointSummary] = Field(description="Every endpoint, including revoked ones.")


class WebhookDelivery(BaseModel):
    """One delivery to an endpoint."""

    id: int = Field(description="The delivery's number.")
    event_type: str | None = Field(None, description="The event.")
    status: str | None = Field(None, description="`pending`, `delivered` or `failed`.")
    response_code: int | None = Field(None, description="The receiver's HTTP status.")
    error_message: str | None = Field(None, description="Why it failed.")
    attempt_count: int | None = Field(None, description="Attempts so far.")
    created_at: str | None = Field(None, description="When it was created (RFC 3339).")


class GetWebhookDeliveriesResult(Result):
    """All deliveries of an endpoint."""

    deliveries: list[WebhookDelivery] = Field(description="Deliveries, newest first.")


class ValidateBlueprintResult(Result):
    """The result of a validation of SQL."""

    valid: bool = Field(description="Whether the API accepts a blueprint with this SQL.")
    statement_count: int | None = Field(None, description="Number of statements.")
    errors: list[str] = Field([], description="Why it is not valid.")
    warnings: list[str] = Field([], description="Statements that are valid but destroy data.")


class RunQueryResult(Result):
    """The SQL and the result of a query."""

    sql: str | None = Field(None, description="The SQL that was run.")
    result: Any = Field(None, description="`type`, and depending on it `rows` and `rowCount`, `affectedRows` or "
                        "`statementsExecuted`, as the API names them.")  # fmt: skip
    query_id: int | None = Field(None, description="Number of the query, for support.")
