"""Request bodies of the database operations (api-facts "Request fields")."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from controlplane.databases import catalog
from controlplane.http.validation import Body, UuidText
from controlplane.plans import DEFAULT_PLAN

_NAME = re.compile(r"[a-z0-9][a-z0-9\-]{0,62}")
_MOST_CONNECTIONS = 2**31 - 1  # the store's integer column


def _database_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("must be 1 to 63 lowercase letters, digits and hyphens, and must not start with a hyphen")
    return name


DatabaseName = Annotated[str, AfterValidator(_database_name)]


class QuotaFields(Body):
    """Overrides of the plan's quotas. Null clears an override; an omitted field leaves it unchanged."""

    storage_hard_limit_gb: float | None = Field(default=None, gt=0)
    connection_hard_limit: int | None = Field(default=None, ge=1, le=_MOST_CONNECTIONS)
    warning_threshold_pct: int | None = Field(default=None, ge=1, le=100)


class CreateDatabase(QuotaFields):
    """The request of operation 4. Without team_id, the caller's primary team owns the database."""

    nulls_rejected_in_strict_mode: ClassVar = (*QuotaFields.model_fields, "blueprint_variables")

    name: DatabaseName
    db_type: str = catalog.DEFAULT_ENGINE
    region: str = catalog.DEFAULT_REGION
    plan: str = DEFAULT_PLAN
    team_id: int = Field(default=0, ge=1)
    blueprint_uuid: UuidText = ""
    blueprint_variables: dict[str, Any] | None = None


class UpdateDatabase(Body):
    """The request of operation 6, which can only rename. An empty name changes nothing (api-facts S33)."""

    name: DatabaseName = ""
