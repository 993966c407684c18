"""Orders that change rows: insert, update, delete. Pure.

Stricter than questions: named columns only, and no change without saying of what. A word that is not understood stops
it; nothing is guessed.
"""

from __future__ import annotations

from typing import Final

from controlplane.queries.failures import NotUnderstood, Unsafe
from controlplane.queries.translation.conditions import Conditions
from controlplane.queries.translation.dates import take_span
from controlplane.queries.translation.expressions import Context, Expression, all_of, literal
from controlplane.queries.translation.names import key_of, label_of, take_column, take_table
from controlplane.queries.translation.schema import Column, Table
from controlplane.queries.translation.values import take_value
from controlplane.queries.translation.words import Place

POLITE: Final = ("please", "can you", "could you", "i want to", "i would like to", "i'd like to", "let's",
                 "now", "kindly",
                 "go ahead and", "then")  # fmt: skip
INSERTS: Final = (
    "add",
    "insert",
    "insert into",
    "create",
    "register",
    "save",
    "store",
    "new",
    "put",
    "add into",
    "add to",
)
UPDATES: Final = ("update", "change", "set", "mark", "modify", "edit", "rename", "make", "assign")
DELETES: Final = ("delete", "remove", "delete from", "remove from", "erase")
DESTROYS: Final = ("drop", "truncate", "empty", "wipe", "clear", "purge", "destroy", "alter", "grant", "revoke")
_ARTICLES: Final = (
    "a",
    "an",
    "the",
    "new",
    "one",
    "another",
    "into",
    "to",
    "record",
    "row",
    "in",
    "entry",
    "for",
    "of",
)
_AND: Final = ("and", ",", "the", "its", "his", "her", "their")
_PAIRS: Final = ("with", "and", ",", "where", "whose", "having", "the", "its", "his", "her", "their", "a",
                 "an", "who has",
                 "values", "has", "set", "(", ")")  # fmt: skip
_IS: Final = ("=", "to", "is", "as", "of", ":", "equal to", "set to", "called", "named", "at", "on", "due", "being")
_EVERY: Final = ("all", "every", "each", "all the", "all of the", "everything in", "all rows in", "all rows of",
                 "all rows from", "every row in", "all records from", "everything from")  # fmt: skip


def write(place: Place, context: Context) -> str | None:
    """The statement for an order; None where the text begins with no verb that changes rows.

    Raises NotUnderstood; Unsafe for what destroys.
    """
    place.skip(*POLITE)
    if place.take(*DESTROYS):
        raise Unsafe(["dropping, emptying or altering tables is destructive and is not done from plain language"])
    began = place.at
    for verbs, way in ((DELETES, _delete), (UPDATES, _update), (INSERTS, _insert)):
        place.at = began
        verb = place.take(*verbs)
        if verb is not None:
            return way(place, context, verb)
    return None


def is_order(place: Place) -> bool:
    """Whether the text begins with a verb that changes something; does not move."""
    ahead = Place(place.words, place.at)
    ahead.skip(*POLITE)
    return ahead.take(*INSERTS, *UPDATES, *DELETES, *DESTROYS) is not None


# Insert


def _insert(place: Place, context: Context, _: str) -> str:
    place.skip(*_ARTICLES)
    table = take_table(place, context.schema)
    if table is None:
        raise NotUnderstood(f"No table is called what {_next(place)!r} begins with.")
    label = label_of(table)
    values: dict[Column, str] = {}
    place.take("record", "row", "entry")
    # A name may follow the table at once, unless a column's name does.
    named = place.take("named", "called", "by the name of", ":")
    if label is not None and not place.done and (named or not _begins_pair(place, table)):
        values[label] = literal(context, label, take_value(place, context, beyond=("for", "at", "by")))
    _pairs(place, context, table, values)
    if not place.done:
        raise NotUnderstood(f"What {_next(place)!r} means here is not clear; columns: {_names(table)}.")
    if not values:
        raise NotUnderstood(f"No values are given; columns: {_names(table)}.")
    name = context.dialect.identifier
    columns = ", ".join(name(column.name) for column in values)
    return f"INSERT INTO {name(table.name)} ({columns}) VALUES ({', '.join(values.values())})"  # noqa: S608 - quoted


def _begins_pair(place: Place, table: Table) -> bool:
    ahead = Place(place.words, place.at)
    if ahead.take("with", "where", "whose", "having", "values", "("):
        return True
    return take_column(ahead, table) is not None


def _pairs(
    place: Place, context: Context, table: Table, values: dict[Column, str], between: tuple[str, ...] = _PAIRS
) -> None:
    """`email x, due date is y and done true` into values; stops where no column comes next.

    between: what may stand between two pairs. In an update that is not `where`: what follows it says of which row.
    """
    loose = ("at", "in", "for", "over", "under", "is") if between is _PAIRS else ()
    while not place.done:
        at = place.at
        place.skip(*between)
        column = take_column(place, table) or _key_to_parent(place, context, table)
        if column is None:
            place.at = at
            return
        if column in values:
            raise NotUnderstood(f"{column.name} is given twice.")
        place.take(*_IS)
        if place.done and column.kind == "boolean":
            values[column] = "TRUE"
            return
        values[column] = _value(place, context, column, loose)


def _key_to_parent(place: Place, context: Context, table: Table) -> Column | None:
    """`customer 3` for customer_id."""
    at = place.at
    parent = take_table(place, context.schema)
    links = [] if parent is None else context.schema.links(table, parent)
    if len(links) == 1 and place.peek().number is not None:
        return table.column(links[0].column)
    place.at = at
    return None


def _value(place: Place, context: Context, column: Column, beyond: tuple[str, ...] = ()) -> str:
    if column.is_temporal and not place.peek().quoted:
        if place.take("now"):
            return context.dialect.moment(column, context.now)
        if place.take("null", "nothing"):
            return "NULL"
        span = take_span(place, context.now)
        if span is None or span.start is None:
            raise NotUnderstood(f"{_next(place)!r} is no date, which {column.name} needs.")
        return context.dialect.moment(column, span.start)
    return literal(context, column, take_value(place, context, beyond=beyond))


# Update


def _update(place: Place, context: Context, verb: str) -> str:
    if verb in ("set", "change", "mark", "make", "rename", "assign"):
        found = _set_first(place, context, verb)
        if found is not None:
            return found
    place.skip("the", "a", "an", "record", "row")
    every = place.take(*_EVERY)
    table = take_table(place, context.schema)
    if table is None:
        raise NotUnderstood(f"No table is called what {_next(place)!r} begins with.")
    conditions = _which(place, context, table)
    values: dict[Column, str] = {}
    if place.take("set", "to set", "and set", "so that", "change", "'s", "with new", ",", "to have"):
        _pairs(place, context, table, values, _AND)
    elif verb in ("mark", "make") and (conditions or every):
        place.take("as", "to", "be", "is")
        _adjective(place, context, table, values)
    elif verb == "rename" and (label := label_of(table)) is not None and place.take("to", "as"):
        values[label] = literal(context, label, take_value(place, context))
    conditions += Conditions(context, table, place, writes=True).take_all() if values else []
    return _updated(place, context, table, values, conditions, every=every is not None)


def _set_first(place: Place, context: Context, verb: str) -> str | None:
    """`set status to shipped for order 42`, `change the email of contact Jane to x`: the column comes first."""
    began = place.at
    for table in context.schema.tables:
        place.at = began
        place.skip("the", "a")
        column = take_column(place, table)
        if column is None or verb in ("mark", "rename"):
            continue
        values: dict[Column, str] = {}
        if place.take("of", "for", "on", "in"):
            place.skip("the")
            every = place.take(*_EVERY)
            if take_table(place, context.schema) is not table:
                continue
            conditions = _which(place, context, table)
            if not place.take("to", "=", "as", "into", "is"):
                continue
            values[column] = _value(place, context, column)
            return _updated(place, context, table, values, conditions, every=every is not None)
        if not place.take("to", "=", "as"):
            continue
        try:
            values[column] = _value(place, context, column)
        except NotUnderstood:
            continue
        if place.sees("and", ","):
            _pairs(place, context, table, values, _AND)
        if not place.take("for", "of", "on", "in", "where", "from"):
            continue
        place.skip("the")
        every = place.take(*_EVERY)
        if take_table(place, context.schema) is not table:
            continue
        conditions = _which(place, context, table)
        return _updated(place, context, table, values, conditions, every=every is not None)
    place.at = began
    return None


def _adjective(place: Place, context: Context, table: Table, values: dict[Column, str]) -> None:
    """`mark order 42 as shipped`: a yes-or-no column, else the status."""
    word = place.peek()
    for column in table.columns:
        key = key_of(column.name)
        if column.kind == "boolean" and key_of(word.lower) in (key, key[1:]):
            values[column] = "TRUE"
            place.next()
            return
    for column in table.columns:
        if key_of(column.name)[-1:] in (("status",), ("state",), ("stage",)) and column.kind == "text":
            values[column] = literal(context, column, take_value(place, context))
            return


def _updated(
    place: Place,
    context: Context,
    table: Table,
    values: dict[Column, str],
    conditions: list[Expression],
    *,
    every: bool,
) -> str:
    if not values:
        raise NotUnderstood(f"What to set is not clear: 'update {table.name} … set column to value'; {_names(table)}.")  # noqa: S608 - a message
    where = _where(place, context, table, conditions, every=every, verb="Updating")
    name = context.dialect.identifier
    sets = ", ".join(f"{name(column.name)} = {value}" for column, value in values.items())
    return f"UPDATE {name(table.name)} SET {sets} WHERE {where}"  # noqa: S608 - quoted


# Delete


def _delete(place: Place, context: Context, _: str) -> str:
    place.skip("the", "a", "an", "from", "record", "row")
    every = place.take(*_EVERY)
    place.skip("the", "from")
    table = take_table(place, context.schema)
    if table is None:
        if place.take("table", "tables", "database", "column", "columns", "index"):
            raise Unsafe(["dropping tables, columns or databases is destructive and is not done from plain language"])
        raise NotUnderstood(f"No table is called what {_next(place)!r} begins with.")
    if place.take("table"):
        raise Unsafe([f"dropping the table {table.name} is destructive and is not done from plain language"])
    conditions = _which(place, context, table)
    where = _where(place, context, table, conditions, every=every is not None, verb="Deleting")
    return f"DELETE FROM {context.dialect.identifier(table.name)} WHERE {where}"  # noqa: S608 - quoted


# Which rows


def _which(place: Place, context: Context, table: Table) -> list[Expression]:
    """`42`, `Jane Doe`, `where status is cancelled`."""
    conditions = Conditions(context, table, place, writes=True)
    row = conditions.take_row()
    return ([] if row is None else [row]) + conditions.take_all()


def _where(
    place: Place, context: Context, table: Table, conditions: list[Expression], *, every: bool, verb: str
) -> str:
    if not place.done:
        raise NotUnderstood(f"What {_next(place)!r} means here is not clear; columns: {_names(table)}.")
    condition = all_of(conditions)
    if condition is not None:
        return condition(context.dialect.identifier)
    if not every:
        raise Unsafe([f"{verb} {table.name} needs to say which: a number, a name, 'where …', or 'all {table.name}'"])
    return "TRUE"


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def _next(place: Place) -> str:
    return " ".join(word.text for word in place.left[:4])
