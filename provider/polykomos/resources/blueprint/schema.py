"""Arguments and state of a `Blueprint`: versioned SQL with variables."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from resourcekit.fields import (
    AlwaysPresent,
    Arguments,
    AutoNamed,
    Computed,
    Result,
    SemanticEquality,
    Stable,
    Validator,
    to_plain,
)

_DIGITS: Final = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?")


class BlueprintVariable(BaseModel):
    """One variable of a blueprint, written `{{name}}` in its SQL, outside of quotes."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[Literal["string", "number", "boolean", "identifier"] | None, Computed()] = Field(
        None, description="How the value is written into the SQL: as a literal, or as a quoted `identifier`. "
        "Default `string`."
    )  # fmt: skip
    default: Any = Field(None, description="The value if an application sets none.")
    required: Annotated[bool | None, Computed()] = Field(
        None, description="Whether every application must set a value. Default false."
    )
    description: str | None = Field(None, description="What it is for.")

    @model_validator(mode="after")
    def _default_by_type(self) -> Self:
        """Convert a default by its `type`: some engines can pass a default as text only."""
        if isinstance(self.default, str) and self.type in ("number", "boolean"):
            self.default = _value_of(self.default, self.type)
        return self


def is_number_text(text: str) -> bool:
    """Return whether the API accepts this string as a number, with all its digits."""
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
    """Return definitions in canonical form: a scalar is a default, null entries are omitted (api-facts S16)."""
    return {name: _canonical(definition) for name, definition in variables.items()}


def _canonical(definition: Any) -> dict[str, Any]:
    plain = to_plain(definition)
    if not isinstance(plain, Mapping):
        return {"type": _type_of(plain), "default": plain}
    entries = {key: value for key, value in plain.items() if value is not None and (key, value) != ("required", False)}
    return {"type": "string", **entries}


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"


class BlueprintArgs(Arguments):
    """The arguments of a blueprint."""

    name: Annotated[str, Validator(lambda name: bool(name.strip()), "must not be empty"), AutoNamed()] = Field(
        description="Display name. Changed in place; the `slug` does not change."
    )
    sql_content: Annotated[str, Validator(lambda sql: bool(sql.strip()), "must contain at least one SQL statement")] = (
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
    slug: Annotated[str | None, Computed(), Stable()] = Field(
        None, description="Its name in URLs, derived from `name` at creation."
    )
    version: Annotated[int | None, Computed(("sql_content",)), AlwaysPresent()] = Field(
        None, description="Version of the SQL: 1 at first, increased by 1 with each change of `sql_content`."
    )
    content_type: Annotated[str | None, Computed(), Stable()] = Field(None, description="`sql`.")
    size_bytes: Annotated[int | None, Computed(("sql_content",))] = Field(
        None, description="Size of the SQL in bytes of UTF-8."
    )
    is_system_blueprint: Annotated[bool | None, Computed(), Stable()] = Field(
        None, description="Whether it is a shared, immutable blueprint of Polykomos."
    )
    created_at: Annotated[str | None, Computed(), Stable()] = Field(None, description="When it was created (RFC 3339).")
    updated_at: Annotated[str | None, Computed()] = Field(None, description="When it was last changed (RFC 3339).")
