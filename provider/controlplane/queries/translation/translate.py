"""The entry: a text in plain language into one statement, or into the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controlplane.queries.failures import NotUnderstood
from controlplane.queries.translation.catalog import catalog_question
from controlplane.queries.translation.defining import define
from controlplane.queries.translation.dialects import POSTGRES, Dialect
from controlplane.queries.translation.expressions import Context
from controlplane.queries.translation.reading import Reader
from controlplane.queries.translation.schema import Schema
from controlplane.queries.translation.words import Place, words_of
from controlplane.queries.translation.writing import POLITE, is_order, write

_SHOWN_TABLES = 20


@dataclass(frozen=True)
class Translation:
    """beyond: finds a row exactly when there are more than the LIMIT in `sql` that was put there for safety."""

    sql: str
    beyond: str | None = None


def translate(text: str, schema: Schema, now: datetime, *, dialect: Dialect = POSTGRES) -> Translation:
    """SQL for `text`. It writes only where the text begins with a verb that does.

    Every word has to be accounted for. Raises NotUnderstood, whose message says what would be; Unsafe for orders
    that destroy.
    """
    context = Context(schema, dialect, now)
    words = words_of(text)
    try:
        if is_order(Place(words)):
            return Translation(_order(Place(words), context))
        place = Place(words)
        sql = catalog_question(place, context)
        if sql is not None:
            return Translation(sql)
        return Translation(*Reader(context, Place(words)).read().sql(dialect))
    except NotUnderstood as reason:
        raise NotUnderstood(_advice(str(reason), schema)) from None


def _order(place: Place, context: Context) -> str:
    place.skip(*POLITE)
    began = place.at
    defined = define(place, context)
    if defined is not None:
        return defined
    place.at = began
    written = write(place, context)
    assert written is not None, "is_order saw a verb"
    return written


def _advice(reason: str, schema: Schema) -> str:
    tables = [table.name for table in schema.tables]
    there = ", ".join(tables[:_SHOWN_TABLES]) + (", …" if len(tables) > _SHOWN_TABLES else "")
    return (
        f"The query was not understood.{f' {reason}' if reason else ''} Understood are lists, counts, sums and rankings"
        " ('show all contacts from Acme Corp', 'count users by country', 'top 5 customers by total spend', 'orders over"
        " 100 since 2025-01-01'), inserts, updates and deletes of named columns ('set status to shipped for order 42'),"
        f" 'create a table called tasks with title and due date', and SQL. Tables here: {there or 'none'}."
    )
