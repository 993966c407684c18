"""Arguments and state of a `BlueprintApplication`. At the API an application is an event: it never changes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from resourcekit.fields import Arguments, Computed, Reference, RequiresReplace, Result, Stable, WriteOnlyVariant


class BlueprintApplicationArgs(Arguments):
    """The arguments of an application."""

    database_uuid: Annotated[str, RequiresReplace(), Reference()] = Field(
        description="Database to apply the blueprint to. If it is still provisioning, the provider waits for it."
    )
    blueprint_uuid: Annotated[str, RequiresReplace(), Reference()] = Field(description="Blueprint to apply.")
    blueprint_version: Annotated[int | None, RequiresReplace(), Computed(), Stable(), Reference()] = Field(
        None, ge=1, description="Version to apply. The API applies the current version only, so a number is a pin: "
        "if the blueprint has another version, the plan fails. Set it to the blueprint's `version` output to apply "
        "every new version, with a preview. If omitted, the version that is current when the program runs is applied."
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
        None, description="The API's warnings about the blueprint's SQL, such as statements that destroy data."
    )
    total_duration_ms: Annotated[int | None, Computed()] = Field(None, description="Duration in milliseconds.")
    error_message: Annotated[str | None, Computed()] = Field(
        None, description="Why it failed, without the values of variables; null if it did not fail."
    )
    completed_at: Annotated[str | None, Computed()] = Field(None, description="When it ended (RFC 3339).")
    created_at: Annotated[str | None, Computed(), Stable()] = Field(
        None, description="When it was requested (RFC 3339)."
    )
