"""New tables: `create a table called tasks with title, due date and done flag`. Pure.

Every table gets an `id` of its own. A column's type is what is said of it, else what its name suggests, else text. A
column named after a table that is there (`customer`, `customer_id`) refers to it, and gets an index.
"""

from __future__ import annotations

import re
from typing import Final

from controlplane.queries.failures import NotUnderstood
from controlplane.queries.translation.expressions import Context
from controlplane.queries.translation.names import key_of
from controlplane.queries.translation.schema import Table
from controlplane.queries.translation.words import Place, Word

_VERBS: Final = ("create", "make", "add", "set up", "build", "define", "new")
_TYPES: Final = {
    "text": ("text", "string", "varchar", "char", "words"),
    "integer": ("integer", "int", "whole number", "bigint", "serial", "count"),
    "numeric": ("number", "numeric", "decimal", "money", "float", "double", "currency", "real"),
    "boolean": ("boolean", "bool", "flag", "yes or no", "true or false", "checkbox"),
    "date": ("date", "day"),
    "timestamp": ("timestamp", "datetime", "time", "timestamptz"),
    "json": ("json", "jsonb"),
}
_TYPE_OF: Final = {word: name for name, words in _TYPES.items() for word in words}
# The type that a name's last or first word suggests.
_BY_NAME: Final = {
    "boolean": (
        "flag",
        "done",
        "active",
        "enabled",
        "completed",
        "paid",
        "published",
        "archived",
        "verified",
        "deleted",
    ),
    "date": ("date", "birthday", "day", "due", "deadline"),
    "timestamp": ("at", "time", "timestamp", "datetime"),
    "numeric": (
        "price",
        "amount",
        "total",
        "cost",
        "salary",
        "balance",
        "rate",
        "weight",
        "score",
        "percentage",
        "fee",
    ),
    "integer": ("quantity", "count", "age", "number", "year", "stock", "rank", "priority", "position", "size", "qty"),
    "json": ("metadata", "json", "payload"),
}
_LONGEST: Final = 60  # characters of a name


def define(place: Place, context: Context) -> str | None:
    """CREATE TABLE, with an index for each reference and for what `indexed by` names; None for anything else."""
    began = place.at
    if not place.take(*_VERBS):
        return None
    place.skip("a", "an", "the", "new", "me")
    before: list[Word] = []
    while not place.sees("table") and not place.done and len(before) < 4:
        before.append(place.next())
    if not place.take("table"):
        place.at = began
        return None
    place.skip("called", "named", "for", ":")
    name = before or _words_until(place, "with", "having", "containing", "that has", "and", "columns", "(")
    if not name:
        raise NotUnderstood("The table's name is missing: 'create a table called tasks with title and due date'.")
    table = _identifier(name)
    if context.schema.table(table) is not None:
        raise NotUnderstood(f"There is a table {table} already.")
    place.skip(
        "with",
        "having",
        "containing",
        "that has",
        "and",
        "the",
        "columns",
        "fields",
        "column",
        "(",
        ":",
        "for",
        "a",
        "an",
    )
    columns: dict[str, str] = {}
    indexes: list[str] = []
    while not place.done:
        place.skip(",", "and", "a", "an", "the", ")", "with")
        if place.take("index on", "indexed by", "indexes on", "an index on", "indexed on"):
            indexes += _indexed(place, columns)
            break
        if not place.done:
            column, definition = _column(place, context, indexes)
            if column in columns or column == "id":
                raise NotUnderstood(f"The column {column} is given twice; every table has an id.")
            columns[column] = definition
    return _sql(context, table, columns, indexes)


def _sql(context: Context, table: str, columns: dict[str, str], indexes: list[str]) -> str:
    quote = context.dialect.identifier
    parts = [f"{quote('id')} {context.dialect.serial}", *(f"{quote(name)} {type_}" for name, type_ in columns.items())]
    statements = [f"CREATE TABLE {quote(table)} ({', '.join(parts)})"]
    for column in dict.fromkeys(indexes):
        index = quote(f"{table[:28]}_{column[:28]}_idx")
        statements.append(f"CREATE INDEX {index} ON {quote(table)} ({quote(column)})")
    return "; ".join(statements)


def _words_until(place: Place, *ends: str) -> list[Word]:
    found: list[Word] = []
    while not place.done and not place.sees(*ends) and len(found) < 4:
        found.append(place.next())
    return found


def _identifier(words: list[Word]) -> str:
    """A quoted name as it stands, others in snake case."""
    if len(words) == 1 and words[0].quoted and words[0].text:
        name = words[0].text
    else:
        name = "_".join(re.sub(r"[-\s]+", "_", word.text.lower()) for word in words if not word.quoted)
        if not re.fullmatch(r"[^\W\d]\w*", name):
            raise NotUnderstood(f"{' '.join(word.text for word in words)!r} is no name for a table or a column.")
    if len(name.encode()) > _LONGEST:
        raise NotUnderstood(f"The name {name[:40]}… is longer than {_LONGEST} bytes.")
    return name


def _column(place: Place, context: Context, indexes: list[str]) -> tuple[str, str]:
    words = _words_until(place, ",", "and", "with", ")", "as", "(", "of type", "indexed by", "index on")
    given = None
    if place.take("as", "of type", "("):
        place.skip("a", "an")
        given = _TYPE_OF.get(place.take(*_TYPE_OF) or "")
        place.take(")")
        if given is None:
            raise NotUnderstood(f"{place.peek().text!r} is no type: {', '.join(_TYPES)}.")
    elif len(words) > 1 and not words[-1].quoted and words[-1].lower in _TYPE_OF:
        given = _TYPE_OF[words[-1].lower]
        # "due date" is the name of a date; "done flag" and "age integer" are a name and a type.
        if words[-1].lower not in ("date", "day", "time", "count", "number"):
            words = words[:-1]
        given = "integer" if words[-1].lower == "number" else given
    name = _identifier(words) if words else ""
    if not name:
        raise NotUnderstood("A column's name is missing.")
    parent = None if given else _parent(name, context)
    if parent is not None:
        name = name if name.endswith("_id") else f"{name}_id"
        indexes.append(name)
        return name, _reference(parent, context)
    return name, context.dialect.type_name(given or _suggested(name))


def _suggested(name: str) -> str:
    words = name.split("_")
    if words[0] in ("is", "has"):
        return "boolean"
    for word in (words[-1], words[0]):
        for type_, names in _BY_NAME.items():
            if word in names:
                return type_
    return "text"


def _parent(name: str, context: Context) -> Table | None:
    """The table that a column of this name refers to."""
    key = key_of(name.removesuffix("_id"))
    for table in context.schema.tables:
        if key_of(table.name) == key and name.removesuffix("_id") != table.name and table.primary_key is not None:
            return table
    return None


def _reference(parent: Table, context: Context) -> str:
    quote = context.dialect.identifier
    primary = parent.column(parent.primary_key)
    assert primary is not None
    assert parent.primary_key is not None
    return f"{primary.type.upper()} REFERENCES {quote(parent.name)} ({quote(parent.primary_key)})"


def _indexed(place: Place, columns: dict[str, str]) -> list[str]:
    found: list[str] = []
    while not place.done:
        place.skip(",", "and", "the")
        words = _words_until(place, ",", "and")
        name = _identifier(words) if words else ""
        if name not in columns:
            raise NotUnderstood(f"There is no column {name!r} to index.")
        found.append(name)
    return found
