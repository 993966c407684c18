"""What a blueprint is made of: versioned SQL with variables."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from resourcekit.fields import AlwaysPresent, Arguments, Computed, Result, SemanticEquality, Stable, Validator, to_plain

_DIGITS: Final = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?")


class BlueprintVariable(BaseModel):
    """One variable of a blueprint, written `{{name}}` in its SQL, outside of quotes."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[Literal["string", "number", "boolean", "identifier"] | None, Computed()] = Field(
        None, description="How its value enters the SQL: as a quoted literal, or as a quoted `identifier`. "
        "Default `string`."
    )  # fmt: skip
    default: Any = Field(None, description="The value when an application gives none.")
    required: Annotated[bool | None, Computed()] = Field(
        None, description="Whether every application must give a value. Default false."
    )
    description: str | None = Field(None, description="What it is for.")

    @model_validator(mode="after")
    def _default_by_type(self) -> Self:
        """Some engines carry a default as text alone: `type` says what it stands for."""
        if isinstance(self.default, str) and self.type in ("number", "boolean"):
            self.default = _value_of(self.default, self.type)
        return self


def is_number_text(text: str) -> bool:
    """Return whether the API takes this string for a number, with all its digits."""
    return _DIGITS.fullmatch(text) is not None


def _loses_digits(text: str, value: float) -> bool:
    return is_number_text(text) and Decimal(text) != Decimal(repr(value))


def _value_of(text: str, type_: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, bool) == (type_ == "boolean") and isinstance(value, int | float) and math.isfinite(value):
        return text if isinstance(value, float) and _loses_digits(text, value) else value
    if type_ == "number" and is_number_text(text):
        return text
    raise ValueError(f"`default` must be a {type_}, as `type` says")


def normalize_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Definitions in one form: a bare scalar is its default, what says nothing is left out (api-facts S16)."""
    return {name: _canonical(definition) for name, definition in variables.items()}


def _canonical(definition: Any) -> dict[str, Any]:
    given = to_plain(definition)
    if not isinstance(given, Mapping):
        return {"type": _type_of(given), "default": given}
    kept = {key: value for key, value in given.items() if value is not None and (key, value) != ("required", False)}
    return {"type": "string", **kept}


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"


class BlueprintArgs(Arguments):
    """The arguments of a blueprint."""

    name: Annotated[str, Validator(lambda name: bool(name.strip()), "must not be empty")] = Field(
        description="Name for people. Changed in place; the `slug` stays."
    )
    sql_content: Annotated[str, Validator(lambda sql: bool(sql.strip()), "must hold at least one SQL statement")] = (
        Field(
            description="SQL statements, run in one transaction when applied. A change makes a new version, in place."
        )
    )
    description: str | None = Field(None, description="What the blueprint does.")
    variables: Annotated[dict[str, BlueprintVariable] | None, SemanticEquality(normalize_variables)] = Field(
        None, description="The variables that the SQL uses, by name."
    )


class BlueprintState(BlueprintArgs, Result):
    """A blueprint as the API reports it."""

    uuid: Annotated[str, Computed(), Stable()] = Field(description="The blueprint's UUID, also its id.")
    slug: Annotated[str | None, Computed(), Stable()] = Field(None, description="Its name in URLs, made at creation.")
    version: Annotated[int | None, Computed(("sql_content",)), AlwaysPresent()] = Field(
        None, description="Version of the SQL: 1 at first, one more with each change of `sql_content`."
    )
    content_type: Annotated[str | None, Computed(), Stable()] = Field(None, description="`sql`.")
    size_bytes: Annotated[int | None, Computed(("sql_content",))] = Field(
        None, description="Size of the SQL in bytes of UTF-8."
    )
    is_system_blueprint: Annotated[bool | None, Computed(), Stable()] = Field(
        None, description="Whether it is Polykomos's own, shared and immutable."
    )
    created_at: Annotated[str | None, Computed(), Stable()] = Field(None, description="When it was created (RFC 3339).")
    updated_at: Annotated[str | None, Computed()] = Field(None, description="When it was last changed (RFC 3339).")
