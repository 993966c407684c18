"""Request bodies of the blueprint operations (api-facts "Request fields")."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from controlplane.http.validation import Body, NonEmptyText, UuidText

Name = Annotated[NonEmptyText, Field(max_length=255)]


class CreateBlueprint(Body):
    """The request of operation 17."""

    nulls_rejected_in_strict_mode: ClassVar = ("variables",)

    name: Name
    sql_content: NonEmptyText
    description: str | None = None
    variables: dict[str, Any] | None = None


class UpdateBlueprint(Body):
    """The request of operation 19. An omitted field does not change: use `model_fields_set`."""

    nulls_rejected_in_strict_mode: ClassVar = ("variables",)

    name: Name = "-"
    sql_content: NonEmptyText = "-"
    description: str | None = None
    variables: dict[str, Any] | None = None


class ValidateSql(Body):
    """The request of operation 21.

    The definitions in `variables` are an addition of this control plane: without them, SQL with variables for
    identifiers cannot be validated.
    """

    sql_content: str
    variables: dict[str, Any] | None = None


class ApplyBlueprint(Body):
    """The request of operation 9."""

    nulls_rejected_in_strict_mode: ClassVar = ("variables",)

    blueprint_uuid: UuidText
    variables: dict[str, Any] | None = None
    dry_run: bool = False
    wait: bool = True
    timeout: int = Field(default=30, ge=1, le=120)  # seconds to wait
