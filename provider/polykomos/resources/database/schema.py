"""What a database is made of: arguments as `POST /databases` takes them, state as the API reports it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from polykomos.resources.conversions import is_uuid
from resourcekit.fields import (
    AlwaysPresent,
    Arguments,
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

# fullmatch, because `$` would admit a trailing newline (api-facts, request fields of op 4).
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PLANS = ("free", "launch", "grow", "pro")
_LATER = (
    "Put the old value back or take it out of the program, and declare a `BlueprintApplication` to apply a "
    "blueprint to a database that exists"
)


def _is_name(value: str) -> bool:
    return _NAME.fullmatch(value) is not None


class DatabaseBaseArgs(Arguments):
    """What a database is ordered with, and what of it can be changed later."""

    name: Annotated[
        str, Validator(_is_name, "must be 1-63 lowercase letters, digits and hyphens, and not begin with a hyphen")
    ] = Field(
        description="Name of 1-63 lowercase letters, digits and hyphens, not beginning with a hyphen. "
        "Renamed in place; `db_name`, user and connection string stay as they are."
    )
    db_type: Annotated[str | None, RequiresReplace(), Computed(), Stable()] = Field(
        None, description="Engine, one of the values of `getDatabaseTypes`: `postgres` (the API's default) or `mysql`."
    )
    region: Annotated[str | None, RequiresReplace(), Computed(), Stable()] = Field(
        None, description="Region code, one of the engine's in `getDatabaseTypes`. The API chooses when left out."
    )
    plan: Annotated[str | None, RequiresReplace(), Computed(), Stable()] = Field(
        None, description="Plan, such as `free` (the API's default), `launch`, `grow` or `pro`."
    )
    team_id: Annotated[int | None, RequiresReplace(), Computed(), Stable(), Reference()] = Field(
        None, ge=1, description="Team that owns the database. Your primary team when left out."
    )
    storage_hard_limit_gb: Annotated[float | None, ResetOnRemove(), Computed(("storage_hard_limit_gb",))] = Field(
        None, gt=0, description="Storage limit in GB (10^9 bytes). The plan's own when left out or taken out."
    )
    connection_hard_limit: Annotated[int | None, ResetOnRemove(), Computed(("connection_hard_limit",))] = Field(
        None, ge=1, description="Most connections at once. The plan's own when left out or taken out."
    )
    warning_threshold_pct: Annotated[int | None, ResetOnRemove(), Computed(("warning_threshold_pct",))] = Field(
        None, ge=1, le=100, description="Percentage of a limit at which to warn, 1-100. The plan's own when left out."
    )


class DatabaseArgs(DatabaseBaseArgs):
    """The arguments of a database."""

    blueprint_uuid: Annotated[
        str | None, CreateOnly(_LATER), Reference(), Validator(is_uuid, "must be a UUID")
    ] = Field(
        None, description="Blueprint to apply once, when the database has been created. A later change is refused: "
        "use a `BlueprintApplication`, which also reports the outcome."
    )  # fmt: skip
    blueprint_variables: Annotated[dict[str, Any] | None, CreateOnly(_LATER), WriteOnlyVariant()] = Field(
        None, description="Values for that blueprint's variables. They act at creation only, as `blueprint_uuid` does."
    )
    store_credentials: Annotated[bool | None, ProviderOnly(default=True)] = Field(
        None, description="Whether `db_password` and `connection_string` are kept in the engine's state. While false "
        "they are null there; fetch them when they are needed. Default true."
    )  # fmt: skip
    deletion_protection: Annotated[bool | None, ProviderOnly(default=False)] = Field(
        None, description="While true, neither deleting nor replacing the database is allowed. Set it to false and "
        "apply that before either. Kept in the engine's state, unknown to the API. Default false."
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
        None, description="Name of the database on its server; not changed by renaming."
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
