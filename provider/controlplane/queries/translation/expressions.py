"""Pieces of SQL that do not know yet whether names need their table before them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from controlplane.queries.failures import NotUnderstood
from controlplane.queries.translation.dates import Span
from controlplane.queries.translation.dialects import Dialect
from controlplane.queries.translation.schema import Column, Schema, Table
from controlplane.queries.translation.words import Word

Ref = Callable[[str], str]
Expression = Callable[[Ref], str]

SAFETY_LIMIT = 100


@dataclass(frozen=True)
class Context:
    """What a translation goes by."""

    schema: Schema
    dialect: Dialect
    now: datetime


@dataclass
class Select:
    """A query of one table, perhaps joined. columns: empty is all. limit: None is the safety's."""

    table: Table
    columns: list[Expression] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    where: Expression | None = None
    group: list[Expression] = field(default_factory=list)
    order: list[Expression] = field(default_factory=list)
    limit: int | None = None
    distinct: bool = False
    one_row: bool = False

    def sql(self, dialect: Dialect) -> tuple[str, str | None]:
        """The statement, and one that finds a row exactly when the safety's limit cuts rows off."""
        quoted = dialect.identifier(self.table.name)

        def ref(column: str) -> str:
            name = dialect.identifier(column)
            return f"{quoted}.{name}" if self.joins else name

        columns = ", ".join(each(ref) for each in self.columns) or (f"{quoted}.*" if self.joins else "*")
        parts = [f"SELECT {'DISTINCT ' if self.distinct else ''}{columns} FROM {quoted}", *self.joins]  # noqa: S608 - every name is quoted
        if self.where is not None:
            parts.append(f"WHERE {self.where(ref)}")
        for word, items in (("GROUP BY", self.group), ("ORDER BY", self.order)):
            if items:
                parts.append(f"{word} {', '.join(each(ref) for each in items)}")
        body = " ".join(parts)
        if self.one_row:
            return body, None
        if self.limit is not None:
            return f"{body} LIMIT {self.limit}", None
        return f"{body} LIMIT {SAFETY_LIMIT}", f"{body} LIMIT 1 OFFSET {SAFETY_LIMIT}"


def alias_beside(table: Table) -> str:
    """What a second table is called in a query of `table`, which it may be itself."""
    return "linked" if table.name != "linked" else "linked_too"


def column_itself(column: Column) -> Expression:
    """Its name."""
    return lambda ref: ref(column.name)


def all_of(conditions: Sequence[Expression]) -> Expression | None:
    """Joined by AND; None for none."""
    if not conditions:
        return None
    return lambda ref: " AND ".join(each(ref) for each in conditions)


def any_of(conditions: Sequence[Expression]) -> Expression:
    """Joined by OR, in parentheses where there are several."""
    if len(conditions) == 1:
        return conditions[0]
    return lambda ref: f"({' OR '.join(each(ref) for each in conditions)})"


def literal(context: Context, column: Column, word: Word) -> str:
    """A value for a column, as the engine writes it. Raises NotUnderstood where it does not fit."""
    dialect = context.dialect
    if word.lower in ("null", "nothing", "none") and not word.quoted:
        return "NULL"
    if column.kind == "number":
        number = word.number if not word.quoted else Word(word.text).number
        if number is None:
            raise NotUnderstood(f"{word.text!r} is not a number, which {column.name} needs.")
        return format(number, "f")
    if column.kind == "boolean":
        truth = _TRUTHS.get(word.text.lower())
        if truth is None:
            raise NotUnderstood(f"{word.text!r} is neither true nor false, which {column.name} needs.")
        return truth
    if column.labels:
        label = next((each for each in column.labels if each.lower() == word.text.lower()), None)
        if label is None:
            raise NotUnderstood(f"{word.text!r} is not one of the values of {column.name}: {', '.join(column.labels)}.")
        return dialect.text(label)
    return dialect.text(word.text)


_TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "1", "t", "y", "set", "checked"), "TRUE"),
    **dict.fromkeys(("false", "no", "off", "0", "f", "n", "unset", "unchecked"), "FALSE"),
}


def equals(context: Context, column: Column, word: Word) -> Expression:
    """Equality. A text all in lower case matches in any case; one with a capital or in quotes as it stands."""
    value = literal(context, column, word)
    if value == "NULL":
        return lambda ref: f"{ref(column.name)} IS NULL"
    if column.is_string and not word.quoted and word.text == word.text.lower() and word.text.upper() != word.text:
        return lambda ref: f"LOWER({ref(column.name)}) = {value}"
    return lambda ref: f"{ref(column.name)} = {value}"


def within(context: Context, column: Column, span: Span) -> Expression:
    """A date or time in a span."""

    def sql(ref: Ref) -> str:
        name = ref(column.name)
        bounds = [(">=", span.start), ("<", span.end)]
        parts = [f"{name} {sign} {_bound(context, column, moment, sign)}" for sign, moment in bounds if moment]
        return " AND ".join(parts)

    return sql


def _bound(context: Context, column: Column, moment: datetime, sign: str) -> str:
    if column.kind == "date" and sign == "<" and moment.time() != time.min:
        moment += timedelta(days=1)  # a day that has begun belongs to a span that ends within it
    return context.dialect.moment(column, moment)
