"""The API's objects. Unknown fields are ignored and unknown values kept (api-facts, Versioning).

The OpenAPI document requires no field of any object: all are optional here but those that identify one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from polykomos.client.secrets import Secret, without_mask

ModelT = TypeVar("ModelT", bound=BaseModel)


def _utc(value: Any) -> Any:
    """Three styles, all of them UTC (api-facts C8): `…T…Z`, `YYYY-MM-DD HH:MM:SS` without zone, and `+00:00`."""
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no moment in UTC") from None


Credential = Annotated[Secret | None, BeforeValidator(without_mask)]
Timestamp = Annotated[datetime, BeforeValidator(_utc)]
# Lists that the API may send as null.
Texts = Annotated[list[str], BeforeValidator(lambda value: value or [])]


class Model(BaseModel):
    """An object of the API."""

    # JSON has no infinite numbers, but some write them.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Quotas(Model):
    """Limits in effect."""

    storage_hard_limit_gb: float | None = None
    connection_hard_limit: int | None = None
    warning_threshold_pct: int | None = None


class Database(Model):
    """A database. Credentials come with a create and a single get alone; where they are masked they are None."""

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
    """What a delete answers."""

    uuid: str
    cancelled_provision_jobs: int | None = None
    destroy_scheduled_at: Timestamp | None = None
    has_remote_resources: bool | None = None


class Region(Model):
    """Where an engine is offered."""

    code: str
    label: str | None = None
    is_available: bool | None = None


class DatabaseType(Model):
    """An engine on offer."""

    value: str
    label: str | None = None
    is_provisionable: bool | None = None
    is_available: bool | None = None
    regions: list[Region] = []


class User(Model):
    """Whose key it is."""

    name: str | None = None
    email: str | None = None


class KeyControls(Model):
    """A key's limits."""

    requests_per_minute: int | None = None
    monthly_quota: int | None = None
    allowed_ip_list: Texts = []
    inactive_ttl_days: int | None = None


class ApiKey(Model):
    """The key in use."""

    name: str | None = None
    preview: str | None = None
    permissions: Texts = []
    status: str | None = None
    last_used_at: Timestamp | None = None
    controls: KeyControls = KeyControls()


class Account(Model):
    """The answer of `GET /me`."""

    user: User = User()
    api_key: ApiKey = ApiKey()


class Blueprint(Model):
    """Versioned SQL. `sql_content` comes with a single get."""

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
    """What the API thinks of some SQL."""

    valid: bool
    statement_count: int | None = None
    errors: Texts = []
    warnings: Texts = []


class BlueprintApplication(Model):
    """A blueprint's run in a database."""

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
    """An address that gets events."""

    id: int
    url: str
    events: Texts = []
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
    """What a query in plain language ran and found; `result` is as the API sent it."""

    sql: str | None = None
    result: dict[str, Any] | None = None
    query_id: int | None = None


class WriteResult(Model, Generic[ModelT]):
    """A keyed write's answer. replayed: the API answered from its record of an earlier call with the same key.

    resent: this very call was sent more than once, so that what it replays may be its own doing.
    """

    object: ModelT
    replayed: bool = False
    was_retried: bool = False


class CreatedWebhookEndpoint(Model):
    """A new endpoint with the secret that the API shows only now. replayed, resent: as of `WriteResult`."""

    endpoint: WebhookEndpoint
    secret: Secret | None = None
    replayed: bool = False
    was_retried: bool = False
