"""The API's objects. Unknown fields are ignored, unknown values accepted (api-facts, Versioning).

The OpenAPI document requires no field of any object: here all are optional except those that identify an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from polykomos.client.secrets import Secret, without_mask
from resourcekit.http.models import Model, Texts, Timestamp

ModelT = TypeVar("ModelT", bound=BaseModel)


Credential = Annotated[Secret | None, BeforeValidator(without_mask)]


class Quotas(Model):
    """Limits in effect."""

    storage_hard_limit_gb: float | None = None
    connection_hard_limit: int | None = None
    warning_threshold_pct: int | None = None


class Database(Model):
    """A database. Only a create and a single get return credentials; masked ones are None."""

    uuid: str
    name: str
    status: str | None = None
    region: str | None = None
    plan: str | None = None
    quotas: Quotas | None = None
    db_type: str | None = None
    host: str | None = None
    port: int | None = None
    db_name: str | None = None
    db_username: str | None = None
    db_password: Credential = None
    connection_string: Credential = None
    team_id: int | None = None
    team_name: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class DeletedDatabase(Model):
    """The response to a delete of a database."""

    uuid: str
    cancelled_provision_jobs: int | None = None
    destroy_scheduled_at: Timestamp | None = None
    has_remote_resources: bool | None = None


class Region(Model):
    """A region of an engine."""

    code: str
    label: str | None = None
    is_available: bool | None = None


class DatabaseType(Model):
    """A database engine."""

    value: str
    label: str | None = None
    is_provisionable: bool | None = None
    is_available: bool | None = None
    regions: list[Region] = Field(default_factory=list)


class User(Model):
    """The user that the key belongs to."""

    name: str | None = None
    email: str | None = None


class KeyControls(Model):
    """A key's limits."""

    requests_per_minute: int | None = None
    monthly_quota: int | None = None
    allowed_ip_list: Texts = Field(default_factory=list)
    inactive_ttl_days: int | None = None


class ApiKey(Model):
    """The key in use."""

    name: str | None = None
    preview: str | None = None
    permissions: Texts = Field(default_factory=list)
    status: str | None = None
    last_used_at: Timestamp | None = None
    controls: KeyControls = KeyControls()


class Account(Model):
    """The response of `GET /me`."""

    user: User = User()
    api_key: ApiKey = ApiKey()


class Blueprint(Model):
    """Versioned SQL. Only a single get returns `sql_content`."""

    uuid: str
    name: str
    slug: str | None = None
    description: str | None = None
    content_type: str | None = None
    version: int | None = None
    size_bytes: int | None = None
    is_system_blueprint: bool | None = None
    variables: Mapping[str, Any] | None = None
    sql_content: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class BlueprintValidation(Model):
    """The result of a validation of SQL."""

    valid: bool
    statement_count: int | None = None
    errors: Texts = Field(default_factory=list)
    warnings: Texts = Field(default_factory=list)


class BlueprintApplication(Model):
    """An application of a blueprint to a database."""

    id: int
    blueprint_version: int | None = None
    status: str | None = None
    is_dry_run: bool | None = None
    execution_log: list[dict[str, Any]] | None = None
    total_duration_ms: int | None = None
    statements_total: int | None = None
    statements_succeeded: int | None = None
    statements_failed: int | None = None
    error_message: str | None = None
    variable_values: Mapping[str, Any] | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    created_at: Timestamp | None = None


class WebhookEndpoint(Model):
    """A URL that receives events."""

    id: int
    url: str
    events: Texts = Field(default_factory=list)
    status: str | None = None
    last_success_at: Timestamp | None = None
    last_failure_at: Timestamp | None = None
    created_at: Timestamp | None = None


class WebhookDelivery(Model):
    """One delivery to an endpoint."""

    id: int
    endpoint_id: int | None = None
    event_type: str | None = None
    status: str | None = None
    response_code: int | None = None
    error_message: str | None = None
    attempt_count: int | None = None
    created_at: Timestamp | None = None


class QueryExecution(Model):
    """The SQL and the result of a query in plain language; `result` is as the API sent it."""

    sql: str | None = None
    result: dict[str, Any] | None = None
    query_id: int | None = None


class WriteResult(Model, Generic[ModelT]):
    """The response to a keyed write.

    Attributes:
        object: The object.
        replayed: Whether the API replayed the response to an earlier call with the same key.
        was_retried: Whether this call was sent more than once, so that it may replay its own response.
    """

    object: ModelT
    replayed: bool = False
    was_retried: bool = False


class CreatedWebhookEndpoint(Model):
    """A new endpoint with the secret, which only this response contains. See `WriteResult` for the other fields."""

    endpoint: WebhookEndpoint
    secret: Secret | None = None
    replayed: bool = False
    was_retried: bool = False
