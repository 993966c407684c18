"""Arguments and state of a `Database`: as `POST /databases` accepts them, and as the API reports them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from polykomos.resources.conversions import is_uuid
from resourcekit.fields import (
    AlwaysPresent,
    Arguments,
    AutoNamed,
    Computed,
    CreateOnly,
    ProviderOnly,
    Reference,
    RequiresReplace,
    ResetOnRemove,
    Result,
    Secret,
    Stable,
    Validator,
    WriteOnlyVariant,
)

# fullmatch, because `$` would accept a trailing newline (api-facts, request fields of op 4).
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PLANS = ("free", "launch", "grow", "pro")
_LATER = (
    "Restore the old value or remove it from the program, and declare a `BlueprintApplication` to apply a blueprint to "
    "an existing database"
)


def _is_name(value: str) -> bool:
    return _NAME.fullmatch(value) is not None


def _normalize_name(text: str) -> str:
    """Return a text with a hyphen for each run of characters that a name must not contain."""
    return re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")


NAME_RULE = Validator(_is_name, "must be 1-63 lowercase letters, digits and hyphens, and not begin with a hyphen")


class DatabaseBaseArgs(Arguments):
    """The arguments of a database that the API stores."""

    name: Annotated[str, NAME_RULE, AutoNamed(63, _normalize_name)] = Field(
        description="Name of 1-63 lowercase letters, digits and hyphens, not beginning with a hyphen. "
        "Renamed in place; `db_name`, user and connection string do not change."
    )
    db_type: Annotated[str | None, RequiresReplace(), Computed(), Stable()] = Field(
        None, description="Engine, one of the values of `getDatabaseTypes`: `postgres` (the API's default) or `mysql`."
    )
    region: Annotated[str | None, RequiresReplace(), Computed(), Stable()] = Field(
        None, description="Region code, one of the engine's in `getDatabaseTypes`. If omitted, the API chooses."
    )
    plan: Annotated[str | None, RequiresReplace(), Computed(), Stable()] = Field(
        None, description="Plan, such as `free` (the API's default), `launch`, `grow` or `pro`."
    )
    team_id: Annotated[int | None, RequiresReplace(), Computed(), Stable(), Reference()] = Field(
        None, ge=1, description="Team that owns the database. Default: your primary team."
    )
    storage_hard_limit_gb: Annotated[float | None, ResetOnRemove(), Computed(("storage_hard_limit_gb",))] = Field(
        None, gt=0, description="Storage limit in GB (10^9 bytes). If omitted or removed, the plan's limit applies."
    )
    connection_hard_limit: Annotated[int | None, ResetOnRemove(), Computed(("connection_hard_limit",))] = Field(
        None,
        ge=1,
        description="Maximum number of concurrent connections. If omitted or removed, the plan's limit applies.",
    )
    warning_threshold_pct: Annotated[int | None, ResetOnRemove(), Computed(("warning_threshold_pct",))] = Field(
        None,
        ge=1,
        le=100,
        description="Percentage of a limit at which to warn, 1-100. If omitted or removed, the plan's value applies.",
    )


class DatabaseArgs(DatabaseBaseArgs):
    """The arguments of a database."""

    blueprint_uuid: Annotated[
        str | None, CreateOnly(_LATER), Reference(), Validator(is_uuid, "must be a UUID")
    ] = Field(
        None, description="Blueprint to apply once, after the database has been created. A later change is rejected: "
        "use a `BlueprintApplication`, which also reports the result."
    )  # fmt: skip
    blueprint_variables: Annotated[dict[str, Any] | None, CreateOnly(_LATER), WriteOnlyVariant()] = Field(
        None, description="Values of that blueprint's variables. Like `blueprint_uuid`, they apply at creation only."
    )
    store_credentials: Annotated[bool | None, ProviderOnly(default=True)] = Field(
        None, description="Whether `db_password` and `connection_string` are stored in the engine's state. If false, "
        "they are null there; read them when they are needed. Default true."
    )  # fmt: skip
    deletion_protection: Annotated[bool | None, ProviderOnly(default=False)] = Field(
        None, description="Whether to reject deleting and replacing the database. To allow either, set it to false and "
        "apply that first. Stored in the engine's state only; the API does not know it. Default false."
    )  # fmt: skip


class DatabaseState(DatabaseArgs, Result):
    """A database as the API reports it."""

    uuid: Annotated[str, Computed(), Stable()] = Field(description="The database's UUID, also its id.")
    status: Annotated[str | None, Computed()] = Field(
        None, description="`active`, `provisioning`, `paused` or `deleted`."
    )
    host: Annotated[str | None, Computed(), Stable(), AlwaysPresent()] = Field(None, description="Host to connect to.")
    port: Annotated[int | None, Computed(), Stable(), AlwaysPresent()] = Field(None, description="Port to connect to.")
    db_name: Annotated[str | None, Computed(), Stable(), AlwaysPresent()] = Field(
        None, description="Name of the database on its server; does not change with `name`."
    )
    db_username: Annotated[str | None, Computed(), Stable(), AlwaysPresent()] = Field(
        None, description="User to connect as."
    )
    db_password: Annotated[str | None, Computed(("store_credentials",)), Secret()] = Field(
        None, description="That user's password."
    )
    connection_string: Annotated[str | None, Computed(("store_credentials",)), Secret()] = Field(
        None, description="URL with user and password, ready for a client."
    )
    team_name: Annotated[str | None, Computed(), Stable()] = Field(None, description="Name of the owning team.")
    created_at: Annotated[str | None, Computed(), Stable()] = Field(None, description="When it was created (RFC 3339).")
    updated_at: Annotated[str | None, Computed()] = Field(None, description="When it was last changed (RFC 3339).")
