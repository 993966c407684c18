"""The request body of operation 10."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from controlplane.http.fields import Body, UuidText

LONGEST: Final = 2000  # characters


def _something(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


class CreateQueryExecution(Body):
    """A question or an order in plain language, or SQL."""

    database_uuid: UuidText
    query: Annotated[str, Field(max_length=LONGEST), AfterValidator(_something)]
