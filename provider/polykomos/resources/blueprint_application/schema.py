"""What the application of a blueprint to a database is made of. At the API it is an event: it never changes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from resourcekit.fields import Arguments, Computed, Reference, RequiresReplace, Result, Stable, WriteOnlyVariant


class BlueprintApplicationArgs(Arguments):
    """The arguments of an application."""

    database_uuid: Annotated[str, RequiresReplace(), Reference()] = Field(
        description="Database to apply to. One that is still provisioning is waited for."
    )
    blueprint_uuid: Annotated[str, RequiresReplace(), Reference()] = Field(description="Blueprint to apply.")
    blueprint_version: Annotated[int | None, RequiresReplace(), Computed(), Stable(), Reference()] = Field(
        None, ge=1, description="Version to apply. The API applies the current version only, so this is a pin: when "
        "the blueprint has moved on, the plan fails and says so. Give it the blueprint's own `version` output to apply "
        "every new version, seen in preview. Left out, the current version is tracked when the program runs."
    )  # fmt: skip
    variables: Annotated[dict[str, Any] | None, RequiresReplace(), WriteOnlyVariant()] = Field(
        None, description="Values of the blueprint's variables, by name."
    )


class BlueprintApplicationState(BlueprintApplicationArgs, Result):
    """An application as the API reports it."""

    application_id: Annotated[int, Computed(), Stable()] = Field(description="The application's number at the API.")
    status: Annotated[str | None, Computed()] = Field(
        None, description="`pending`, `running`, `completed`, `failed` or `rolled_back`."
    )
    statements_total: Annotated[int | None, Computed()] = Field(None, description="Statements in the blueprint.")
    statements_succeeded: Annotated[int | None, Computed()] = Field(None, description="Statements that ran.")
    statements_failed: Annotated[int | None, Computed()] = Field(None, description="Statements that failed.")
    warnings: Annotated[list[str] | None, Computed(), Stable()] = Field(
        None, description="What the API warned of in the blueprint's SQL, such as statements that destroy data."
    )
    total_duration_ms: Annotated[int | None, Computed()] = Field(None, description="Duration in milliseconds.")
    error_message: Annotated[str | None, Computed()] = Field(
        None, description="Why it failed, without the values of variables; null when it did not."
    )
    completed_at: Annotated[str | None, Computed()] = Field(None, description="When it ended (RFC 3339).")
    created_at: Annotated[str | None, Computed(), Stable()] = Field(None, description="When it was asked (RFC 3339).")
