"""Translation by a language model, behind an endpoint with OpenAI's chat completions API.

The request contains the query and the names and types of the tenant's tables, never a row. The returned SQL passes the
same safety check as any other SQL.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from controlplane.http.client import HttpError, post_json
from controlplane.queries.errors import TranslationError, TranslatorError
from controlplane.queries.schema import Schema, Table
from controlplane.settings import Settings

KEY_VARIABLE: Final = "POLYKOMOS_TRANSLATOR_KEY"
SECONDS: Final = 25.0
_LONGEST_SQL: Final = 20_000
_LONGEST_SCHEMA: Final = 60_000  # characters; the rest is left out
_FENCE: Final = re.compile(r"```(?:\w+)?\s*\n?(.*?)```", re.DOTALL)
_REFUSAL: Final = "CANNOT"
_INSTRUCTIONS: Final = (
    "Your answers are {dialect} statements, one for each request, for the schema below. Answer with the SQL alone: no"
    " explanation, no formatting. Quote identifiers. Add LIMIT 100 to a SELECT without a limit. Write only where the"
    " request asks for a change, and never UPDATE or DELETE without WHERE. If the request cannot be answered by"
    f" this schema, answer {_REFUSAL}. It is now {{now}} UTC.\n\nSchema:\n{{schema}}"
)


@dataclass(frozen=True)
class LlmTranslator:
    """A client of the model's endpoint."""

    url: str  # the API's base, …/v1
    name: str  # the model
    key: str | None = field(default=None, repr=False)  # sent as a bearer token

    @classmethod
    def of(cls, settings: Settings) -> LlmTranslator | None:
        """Return the configured translator, or None. Its key comes only from POLYKOMOS_TRANSLATOR_KEY."""
        if settings.translator_url is None:
            return None
        return cls(settings.translator_url, settings.translator_model, os.environ.get(KEY_VARIABLE) or None)

    async def translate(self, text: str, schema: Schema, now: datetime, *, dialect: str = "PostgreSQL") -> str:
        """Return SQL for a query.

        Raises:
            TranslationError: The model cannot answer the query from these tables.
            TranslatorError: The endpoint failed, or its response contains no SQL.
        """
        instructions = _INSTRUCTIONS.format(
            dialect=dialect, now=f"{now:%Y-%m-%d %H:%M}", schema=describe_schema(schema)
        )
        body = {
            "model": self.name,
            "temperature": 0,
            "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": text}],
        }
        headers = [] if self.key is None else [("Authorization", f"Bearer {self.key}")]
        try:
            url = f"{self.url.rstrip('/')}/chat/completions"
            response = await post_json(url, headers, body, server="translator", seconds=SECONDS)
        except HttpError as failure:
            raise TranslatorError(f"The translator returned no SQL. {failure}") from None
        return _read_sql(response)


def describe_schema(schema: Schema) -> str:
    """Return the tables with the names and types of their columns, one table per line."""
    description = "\n".join(_lines(schema))
    return description[:_LONGEST_SCHEMA] or "(no tables)"


def _lines(schema: Schema) -> Iterator[str]:
    for table in schema.tables:
        yield f"{json.dumps(table.name, ensure_ascii=False)}({', '.join(_columns(table))})"


def _columns(table: Table) -> Iterator[str]:
    keys = {key.column: key for key in table.foreign_keys}
    for column in table.columns:
        key = keys.get(column.name)
        primary = " primary key" if column.name == table.primary_key else ""
        refers = f" references {json.dumps(key.table)}({json.dumps(key.target)})" if key else ""
        labels = f" one of {list(column.labels)}" if column.labels else ""
        yield f"{json.dumps(column.name, ensure_ascii=False)} {column.type}{primary}{refers}{labels}"


def _read_sql(response: Any) -> str:
    try:
        content = response["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise TranslatorError("The translator returned no SQL: its response is not a chat completion.") from None
    if not isinstance(content, str) or not content.strip():
        raise TranslatorError("The translator returned no SQL: its response is empty.")
    fenced = _FENCE.search(content)
    sql = (fenced[1] if fenced else content).strip()
    if sql.strip(" .;").upper() == _REFUSAL:
        raise TranslationError("The translator cannot answer this from the database's tables.")
    if len(sql) > _LONGEST_SQL or re.search("[\x00\ud800-\udfff]", sql):
        raise TranslatorError("The translator returned no SQL: its response is too long or contains invalid text.")
    return sql
