"""Questions about the tables themselves. Pure."""

from __future__ import annotations

from typing import Final

from controlplane.queries.translation.expressions import Context
from controlplane.queries.translation.names import take_table
from controlplane.queries.translation.words import Place

_TABLES: Final = ("tables", "table names", "names of tables", "tables names", "the tables", "all tables")
_LEADS: Final = ("show", "list", "get", "display", "give", "me", "what", "which", "all", "the", "my", "our", "please",
                 "how many", "names of", "find", "see", "view", "tell", "are", "is")  # fmt: skip
_TAILS: Final = ("are there", "do we have", "do i have", "exist", "there are", "in the database", "in this database",
                 "of the database", "are in the database", "are available", "please", "is there", "database",
                 "there")  # fmt: skip
_DESCRIBE: Final = ("describe", "desc", "columns of", "columns in", "columns for", "columns from", "fields of",
                    "fields in",
                    "structure of", "schema of", "show columns of", "show columns from", "the columns of",
                    "explain")  # fmt: skip


def catalog_question(place: Place, context: Context) -> str | None:
    """SQL for `list tables`, `describe contacts`, `what columns does contacts have`; None for anything else."""
    began = place.at
    count = place.sees("how many")
    place.skip(*_LEADS)
    if place.take(*_TABLES):
        place.skip(*_TAILS)
        if place.done:
            what = "COUNT(*) AS " + context.dialect.identifier("count") if count else "table_name"
            return _catalog(context, what, "tables", None, "" if count else " ORDER BY table_name LIMIT 100")
    place.at = began
    table = _described(place, context)
    place.at = began if table is None else place.at
    if table is None:
        return None
    what = "column_name, data_type, is_nullable, column_default"
    return _catalog(context, what, "columns", table, " ORDER BY ordinal_position LIMIT 100")


def _described(place: Place, context: Context) -> str | None:
    place.skip(*_LEADS)
    if place.take(*_DESCRIBE):
        place.skip("the", "table")
        table = take_table(place, context.schema)
        place.skip("table", "please", "structure", "schema")
    elif place.take("columns does", "fields does", "columns do", "fields do", "columns has", "columns are in",
                    "fields are in", "columns are there in", "columns exist in"):  # fmt: skip
        place.skip("the", "table")
        table = take_table(place, context.schema)
        place.skip("table", "have", "has", "contain")
    else:
        table = take_table(place, context.schema)
        place.take("table")
        if table is None or not place.take("columns", "fields", "structure", "schema", "column names"):
            return None
    return table.name if table is not None and place.done else None


def _catalog(context: Context, what: str, view: str, table: str | None, rest: str) -> str:
    schema = "CURRENT_SCHEMA()" if context.dialect.name == "postgres" else "DATABASE()"
    named = "" if table is None else f" AND table_name = {context.dialect.text(table)}"
    return f"SELECT {what} FROM information_schema.{view} WHERE table_schema = {schema}{named}{rest}"  # noqa: S608 - every name is quoted
