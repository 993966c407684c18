"""Answers to queries in plain language that users set: a text, and the SQL that runs for it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_QUERY: Final = 2000  # characters, as in the API
MAX_SQL: Final = 20_000  # characters
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def _checked(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if _UNSTORABLE.search(text):
        raise ValueError("must not contain NUL characters or lone surrogates")
    return text


QueryText = Annotated[str, Field(max_length=MAX_QUERY), AfterValidator(_checked)]
"""The text that a client sends."""

SqlText = Annotated[str, Field(max_length=MAX_SQL), AfterValidator(_checked)]
"""The SQL that runs instead of it."""

EngineName = Literal["postgres", "mysql"]
"""The engine of the databases that an answer is for."""


class QueryAnswer(BaseModel):
    """The SQL that runs for a query in plain language."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    query: QueryText  # the text that a client sends
    sql: SqlText  # the SQL that runs instead of it
    # The engine that the answer is for. None = every engine.
    db_type: EngineName | None = None


def query_key(text: str) -> str:
    """Return a SHA-256 in hexadecimal that is equal for texts that differ in case and white space only."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()


def find_answer(answers: Iterable[QueryAnswer], query: str, db_type: str) -> str | None:
    """Return the SQL of the answer to a query. An answer for this engine goes before one for every engine."""
    key = query_key(query)
    matches = [answer for answer in answers if query_key(answer.query) == key and answer.db_type in (db_type, None)]
    return max(matches, key=lambda answer: answer.db_type is not None).sql if matches else None


def first_duplicate(answers: Iterable[QueryAnswer]) -> int | None:
    """Return the index of the first answer with the text and engine of an earlier one, or None."""
    seen: set[tuple[str, str | None]] = set()
    for index, answer in enumerate(answers):
        key = (query_key(answer.query), answer.db_type)
        if key in seen:
            return index
        seen.add(key)
    return None
