"""The request bodies of the blueprint operations (api-facts "Request fields")."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from controlplane.http.validation import Body, UuidText


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Name = Annotated[str, AfterValidator(_not_blank), Field(max_length=255)]
Sql = Annotated[str, AfterValidator(_not_blank)]


class CreateBlueprint(Body):
    """Operation 17."""

    nulls_rejected_in_strict_mode: ClassVar = ("variables",)

    name: Name
    sql_content: Sql
    description: str | None = None
    variables: dict[str, Any] | None = None


class UpdateBlueprint(Body):
    """Operation 19: what is not given stays; look at `model_fields_set`."""

    nulls_rejected_in_strict_mode: ClassVar = ("variables",)

    name: Name = "-"
    sql_content: Sql = "-"
    description: str | None = None
    variables: dict[str, Any] | None = None


class ValidateSql(Body):
    """Operation 21. variables: definitions, an addition of ours, so that SQL with identifiers can be judged."""

    sql_content: str
    variables: dict[str, Any] | None = None


class ApplyBlueprint(Body):
    """Operation 9. timeout: seconds to wait."""

    nulls_rejected_in_strict_mode: ClassVar = ("variables",)

    blueprint_uuid: UuidText
    variables: dict[str, Any] | None = None
    dry_run: bool = False
    wait: bool = True
    timeout: int = Field(default=30, ge=1, le=120)
