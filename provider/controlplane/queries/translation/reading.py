"""Questions: lists, counts, sums, rankings. Pure."""

from __future__ import annotations

from typing import Final

from controlplane.queries.failures import NotUnderstood
from controlplane.queries.translation.conditions import Conditions, flag, state
from controlplane.queries.translation.expressions import (
    Context,
    Expression,
    Select,
    alias_beside,
    all_of,
    column_itself,
)
from controlplane.queries.translation.names import amount_of, key_of, label_of, take_column, take_table
from controlplane.queries.translation.schema import Column, ForeignKey, Table
from controlplane.queries.translation.words import Place

_LEADS: Final = (
    "show", "list", "get", "display", "find", "fetch", "give", "return", "retrieve", "see", "view", "print", "select",
    "search for", "look up", "what are", "what is", "what's", "which", "who are", "who is", "who", "tell",
    "i want", "i want to see",
    "i would like", "i'd like", "need", "i need", "me", "us", "please", "can you", "could you", "read", "query", "what",
    "the", "a", "an", "all", "all of", "every", "each", "any", "of", "my", "our", "out", "do we have",
    "to see", "to know",
    "also", "just", "and", "information about", "info on", "details of", "details for", "data from", "data of",
    "rows of",
    "rows in", "rows from", "records of", "records in", "records from", "entries in", "everything in",
    "everything from",
    "contents of", "the list of", "list of", "a list of", "full list of", "existing", "available", "from",
)  # fmt: skip
_TAILS: Final = ("are there", "do we have", "there are", "exist", "exists", "in total", "in all", "altogether",
                 "overall",
                 "please", "we have", "in the database", "in the table", "table", "is there", "do i have",
                 "now", "so far",
                 "rows", "records", "currently")  # fmt: skip
_COUNTS: Final = ("how many", "count", "count of", "count the", "count all", "number of", "the number of",
                  "count the number of", "what is the number of", "total number of", "the total number of",
                  "how much")  # fmt: skip
_AGGREGATES: Final = {
    "SUM": ("total", "sum", "sum of", "total of", "sum up", "add up", "the total", "the sum of", "overall"),
    "AVG": ("average", "avg", "mean", "average of", "the average", "the mean"),
    "MIN": ("minimum", "min", "lowest", "smallest", "least", "cheapest", "the minimum", "the lowest"),
    "MAX": ("maximum", "max", "highest", "largest", "biggest", "most expensive", "greatest", "the maximum",
            "the highest"),
}  # fmt: skip
_FUNCTION_OF: Final = {phrase: name for name, phrases in _AGGREGATES.items() for phrase in phrases}
_GROUPS: Final = (
    "by",
    "per",
    "for each",
    "grouped by",
    "group by",
    "in each",
    "for every",
    "by each",
    "broken down by",
)
_ORDERS: Final = ("ordered by", "sorted by", "order by", "sort by", "in order of", "sorted", "ordered", "by")
_DOWN: Final = ("desc", "descending", "highest first", "largest first", "newest first", "latest first", "most first",
                "in descending order", "from highest to lowest", "reverse", "high to low")  # fmt: skip
_UP: Final = ("asc", "ascending", "lowest first", "smallest first", "oldest first", "alphabetically",
              "in ascending order", "from lowest to highest", "low to high")  # fmt: skip
_NEWEST: Final = ("latest", "newest", "most recent", "last", "recent", "most recently created")
_OLDEST: Final = ("oldest", "earliest", "first")
_BEST: Final = ("top", "best", "biggest", "largest", "highest", "bottom", "worst", "lowest", "smallest")
_WORST: Final = ("bottom", "worst", "lowest", "smallest")
_PARTS: Final = ("day", "week", "month", "quarter", "year")
_MOST_ROWS: Final = 100


class Reader:
    """Reads one question from a place. Every word must be accounted for; else it is not understood."""

    def __init__(self, context: Context, place: Place) -> None:
        self._context = context
        self._place = place

    def read(self) -> Select:
        """The query that the words mean. Raises NotUnderstood."""
        start = self._place.at
        reasons: list[NotUnderstood] = []
        for way in (self._count, self._ranking, self._aggregate, self._list):
            self._place.at = start
            try:
                found = way()
            except NotUnderstood as reason:
                reasons.append(reason)
                continue
            if found is None:
                continue
            self._place.skip(*_TAILS)
            if self._place.done:
                return found
            reasons.append(NotUnderstood(f"What {_rest(self._place)!r} means here is not clear."))
        raise reasons[0] if reasons else NotUnderstood("")

    # How many

    def _count(self) -> Select | None:
        place = self._place
        place.skip(*_LEADS)
        distinct = None
        if not place.take(*_COUNTS):
            return None
        place.skip("the", "all", "of", "our", "my")
        if place.take("distinct", "different", "unique"):
            distinct = True
        if distinct:
            found = self._columns_of()
            if found is None:
                return None
            table, columns = found
            if len(columns) != 1:
                raise NotUnderstood("Only one column can be counted distinctly.")
            what = columns[0]
            select = Select(table, [lambda ref: f"COUNT(DISTINCT {ref(what.name)}) AS {self._alias('count')}"])
        else:
            adjectives_at = place.at
            table_ = self._table_with_adjectives()
            if table_ is None:
                place.at = adjectives_at
                return None
            table, conditions = table_
            select = Select(table, [lambda ref: f"COUNT(*) AS {self._alias('count')}"])
            self._restrict(select, conditions)
            return select
        self._restrict(select, [])
        return select

    # Sums and the like

    def _aggregate(self) -> Select | None:
        place = self._place
        place.skip(*_LEADS)
        phrase = place.take(*_FUNCTION_OF)
        if phrase is None:
            return None
        function = _FUNCTION_OF[phrase]
        place.skip("of", "the", "all", "value", "value of")
        found = self._measure(function)
        if found is None:
            return None
        table, column, conditions = found
        alias = {"SUM": "total", "AVG": "average", "MIN": "minimum", "MAX": "maximum"}[function]
        select = Select(table, [lambda ref: f"{function}({ref(column.name)}) AS {self._alias(alias)}"])
        self._restrict(select, conditions)
        return select

    def _measure(self, function: str) -> tuple[Table, Column, list[Expression]] | None:
        """`amount of orders`, `order amount`, `orders`, or `amount` where only one table has it."""
        place, began = self._place, self._place.at
        table = take_table(place, self._context.schema)
        if table is not None:
            place.take("'s")
            column = take_column(place, table) or self._spoken_amount(table)
            if column is not None and _fits(column, function):
                return table, column, []
            column = amount_of(table)
            if column is not None:
                return table, column, []
        place.at = began
        for table in self._context.schema.tables:
            place.at = began
            column = take_column(place, table) or self._spoken_amount(table)
            if column is None or not _fits(column, function):
                continue
            if place.take("of", "from", "in", "for", "on", "across", "over"):
                place.skip("the", "all", "our", "my", "every", "each")
                found = self._table_with_adjectives()
                if found is not None and found[0] is table:
                    return table, column, found[1]
        place.at = began
        return self._only_one(function)

    def _only_one(self, function: str) -> tuple[Table, Column, list[Expression]] | None:
        place, began = self._place, self._place.at
        found: list[tuple[Table, Column, int]] = []
        for table in self._context.schema.tables:
            place.at = began
            column = take_column(place, table)
            if column is not None and _fits(column, function):
                found.append((table, column, place.at))
        if not found:
            for table in self._context.schema.tables:
                place.at = began
                column = self._spoken_amount(table)
                if column is not None:
                    found.append((table, column, place.at))
        if len(found) > 1:
            names = ", ".join(table.name for table, _, _ in found)
            raise NotUnderstood(
                f"Several tables have that column ({names}): say which, as in 'total amount of orders'."
            )
        if not found:
            place.at = began
            return None
        table, column, place.at = found[0]
        return table, column, []

    def _spoken_amount(self, table: Table) -> Column | None:
        """`spend`, `revenue` and the like for the column that holds amounts."""
        column = amount_of(table, self._place.peek().lower)
        if column is not None:
            self._place.next()
        return column

    # Top and latest

    def _ranking(self) -> Select | None:
        place = self._place
        place.skip(*_LEADS)
        number = self._count_of_rows()
        phrase = place.take(*_BEST, *_NEWEST, *_OLDEST)
        if phrase is None:
            return None
        number = number or self._count_of_rows()
        found = self._table_with_adjectives()
        if found is None:
            return None
        table, conditions = found
        if number is None and key_of(place.words[place.at - 1].text)[-1:] == (place.words[place.at - 1].lower,):
            number = 1  # "the latest order"
        select = Select(table, limit=number)
        if phrase in _BEST:
            down = phrase not in _WORST
            if not place.take(
                "by", "in", "with the most", "with the highest", "with most", "with the largest", "with the"
            ):
                conditions += Conditions(self._context, table, place).take_all()
                if not place.take("by", "in", "with the most", "with the highest"):
                    raise NotUnderstood("Say by what: 'top 5 customers by total spend'.")
            self._rank(select, down=down)
        else:
            column = _moment(table)
            if column is None:
                raise NotUnderstood(f"{table.name} has neither a date nor a primary key to tell what is newest.")
            direction = "DESC" if phrase in _NEWEST else "ASC"
            select.order = [lambda ref: f"{ref(column.name)} {direction}"]
        self._restrict(select, conditions)
        return select

    def _rank(self, select: Select, *, down: bool) -> None:
        place, context, table = self._place, self._context, select.table
        direction = "DESC" if down else "ASC"
        place.skip("the", "their", "its")
        column = take_column(place, table)
        if column is not None:
            select.order = [lambda ref: f"{ref(column.name)} {direction}"]
            return
        phrase = place.take(*_FUNCTION_OF, *_COUNTS, "most", "highest", "count of", "number of")
        function = _FUNCTION_OF.get(phrase or "", "SUM")
        place.skip("of", "the", "their")
        at = place.at
        own = take_column(place, table) or self._spoken_amount(table)
        if own is not None:
            select.order = [lambda ref: f"{ref(own.name)} {direction}"]
            return
        place.at = at
        child = take_table(place, context.schema)
        if child is not None and context.schema.links(child, table):
            key = context.schema.links(child, table)[0]
            measure = take_column(place, child) or self._spoken_amount(child)
            self._join(select, child, key, measure, function, direction)
            return
        for child in context.schema.tables:
            place.at = at
            links = context.schema.links(child, table)
            measure = (take_column(place, child) or self._spoken_amount(child)) if links else None
            if measure is not None and measure.kind == "number":
                self._join(select, child, links[0], measure, function, direction)
                return
        place.at = at
        raise NotUnderstood(f"{_rest(place)!r} is neither a column of {table.name} nor of a table that refers to it.")

    def _join(
        self, select: Select, child: Table, key: ForeignKey, measure: Column | None, function: str, direction: str
    ) -> None:
        """Rank by what the rows of another table come to."""
        name = self._context.dialect.identifier
        other, own = name(alias_beside(select.table)), name(select.table.name)
        select.joins = [f"JOIN {name(child.name)} AS {other} ON {other}.{name(key.column)} = {own}.{name(key.target)}"]
        shown = [column for column in (select.table.column(select.table.primary_key), label_of(select.table)) if column]
        shown = list(dict.fromkeys(shown)) or [
            next(column for column in select.table.columns if column.name == key.target)
        ]
        what = "COUNT(*)" if measure is None else f"{function}({other}.{name(measure.name)})"
        alias = self._alias(
            "count" if measure is None else {"SUM": "total", "AVG": "average"}.get(function, function.lower())
        )
        select.columns = [*map(column_itself, shown), lambda _: f"{what} AS {alias}"]
        select.group = [*map(column_itself, shown)]
        select.order = [lambda _: f"{what} {direction}"]

    # Lists

    def _list(self) -> Select | None:
        place = self._place
        place.skip(*_LEADS)
        distinct = place.take("distinct", "unique", "different") is not None
        number = self._count_of_rows()
        place.skip("of", "the")
        began = place.at
        found = None if number is not None else self._columns_of()
        if found is not None:
            table, columns = found
            select = Select(table, [*map(column_itself, columns)], distinct=distinct)
            place.take("table")
            row = Conditions(self._context, table, place).take_row()
            self._restrict(select, [] if row is None else [row])
            return select
        place.at = began
        with_adjectives = self._table_with_adjectives()
        if with_adjectives is None:
            return None
        table, conditions = with_adjectives
        select = Select(table, distinct=distinct, limit=number)
        place.take("table")
        row = None if conditions else Conditions(self._context, table, place).take_row()
        self._restrict(select, conditions if row is None else [row])
        return select

    def _columns_of(self) -> tuple[Table, list[Column]] | None:
        """`names and emails of users`."""
        began = self._place.at
        for table in self._context.schema.tables:
            self._place.at = began
            columns = self._columns(table)
            if not columns or not self._place.take("of", "from", "for", "in"):
                continue
            self._place.skip("the", "all", "all the", "our", "my", "every", "each", "those")
            if take_table(self._place, self._context.schema) is table:
                return table, columns
        self._place.at = began
        return None

    def _columns(self, table: Table) -> list[Column]:
        place = self._place
        found: list[Column] = []
        while True:
            place.skip("the", "and", ",", "their", "distinct")
            column = take_column(place, table)
            if column is None:
                return found
            found.append(column)

    def _table_with_adjectives(self) -> tuple[Table, list[Expression]] | None:
        """`orders`, `active users`, `shipped or not paid` before a table's name."""
        place, context = self._place, self._context
        began = place.at
        table = take_table(place, context.schema)
        if table is not None:
            return table, []
        for first in range(place.at + 1, min(place.at + 5, len(place.words))):
            ahead = Place(place.words, first)
            table = take_table(ahead, context.schema)
            if table is None:
                continue
            conditions: list[Expression] = []
            while place.at < first:
                place.skip("and", ",")
                at = place.at
                condition = flag(place, table)
                if condition is None:
                    place.at = at
                    condition = state(place, context, table)
                if condition is None or place.at > first:
                    break
                conditions.append(condition)
            if place.at == first and conditions:
                place.at = ahead.at
                return table, conditions
            place.at = began
        return None

    def _count_of_rows(self) -> int | None:
        number = self._place.peek().number
        if number is None or number != int(number) or not number > 0:
            return None
        self._place.next()
        return min(int(number), _MOST_ROWS)

    # What follows

    def _restrict(self, select: Select, given: list[Expression]) -> None:
        """Conditions, grouping, order and limit, in any order that makes sense."""
        place = self._place
        conditions = list(given)
        counts = bool(select.columns) and not select.joins and not select.order and self._is_aggregate(select)
        select.one_row = counts
        while not place.done:
            at = place.at
            if place.take("limit", "limit to", "limited to", "only the first", "at most the first", "up to the first"):
                number = self._count_of_rows()
                if number is None:
                    raise NotUnderstood("A limit needs a number.")
                select.limit = number
            elif (counts and not select.group and place.take(*_GROUPS) and self._group(select)) or (
                not counts and self._order(select)
            ):
                continue
            else:
                place.at = at
                found = Conditions(self._context, select.table, place).take_all()
                conditions += found
                if not found:
                    place.at = at
                    break
        select.where = all_of(conditions)

    def _is_aggregate(self, select: Select) -> bool:
        shown = select.columns[0](lambda name: name)
        return len(select.columns) == 1 and shown.startswith(("COUNT(", "SUM(", "AVG(", "MIN(", "MAX("))

    def _group(self, select: Select) -> bool:
        place, table, context = self._place, select.table, self._context
        at = place.at
        place.skip("the", "their")
        by = self._group_of_time(table) or self._group_of_column(table)
        if by is None:
            parent = take_table(place, context.schema)
            links = [] if parent is None else context.schema.links(table, parent)
            if parent is None or not links:
                place.at = at
                return False
            name = context.dialect.identifier
            label = label_of(parent)
            shown, other = label.name if label else links[0].target, name(alias_beside(table))
            select.joins = [
                f"JOIN {name(parent.name)} AS {other} ON {other}.{name(links[0].target)} ="
                f" {name(table.name)}.{name(links[0].column)}"
            ]
            by = _fixed(f"{other}.{name(shown)}")
            select.group = [_fixed(f"{other}.{name(links[0].target)}")]
        place.take("name")
        select.columns = [by, *select.columns]
        select.group.append(by)
        select.order = [_fixed("2 DESC")]
        select.one_row = False
        return True

    def _group_of_column(self, table: Table) -> Expression | None:
        column = take_column(self._place, table)
        return None if column is None else column_itself(column)

    def _group_of_time(self, table: Table) -> Expression | None:
        part = next((part for part in _PARTS if self._place.sees(part, f"{part}s")), None)
        column = _moment(table)
        if part is None or column is None or not column.is_temporal or take_column_is(self._place, table):
            return None
        self._place.next()
        name = column.name
        if self._context.dialect.name == "postgres":
            return lambda ref: f"DATE_TRUNC('{part}', {ref(name)})"
        forms = {"day": "%Y-%m-%d", "week": "%x-W%v", "month": "%Y-%m", "year": "%Y"}
        if part == "quarter":
            return lambda ref: f"CONCAT(YEAR({ref(name)}), '-Q', QUARTER({ref(name)}))"
        form = forms[part]
        return lambda ref: f"DATE_FORMAT({ref(name)}, '{form}')"

    def _order(self, select: Select) -> bool:
        place, at = self._place, self._place.at
        if place.take(*_DOWN) or place.take("newest first", "latest first"):
            column = _moment(select.table)
            if column is None or select.order:
                place.at = at
                return False
            select.order = [_ordered(column, down=True)]
            return True
        if not place.take(*_ORDERS):
            return False
        place.take("by")
        found: list[Expression] = []
        while True:
            place.skip("the", "and then", "then", "then by", ",")
            column = take_column(place, select.table) or self._key_to_parent(select.table)
            if column is None:
                break
            down = place.take(*_DOWN) is not None
            if not down:
                place.take(*_UP)
            found.append(_ordered(column, down=down))
            if not place.sees(",", "and then", "then", "then by"):
                break
        if not found or select.order:
            place.at = at
            return False
        select.order = found
        return True

    def _key_to_parent(self, table: Table) -> Column | None:
        """`orders by customer`: in the order of customer_id."""
        place, at = self._place, self._place.at
        parent = take_table(place, self._context.schema)
        links = [] if parent is None else self._context.schema.links(table, parent)
        if not links or not (place.done or place.sees(",", *_DOWN, *_UP, "limit")):
            place.at = at
            return None
        return table.column(links[0].column)

    def _alias(self, name: str) -> str:
        return self._context.dialect.identifier(name)


def take_column_is(place: Place, table: Table) -> bool:
    """Whether a column comes next; does not move."""
    return take_column(Place(place.words, place.at), table) is not None


def _ordered(column: Column, *, down: bool) -> Expression:
    return lambda ref: f"{ref(column.name)}{' DESC' if down else ''}"


def _fixed(sql: str) -> Expression:
    return lambda _: sql


def _fits(column: Column, function: str) -> bool:
    return column.kind == "number" or (function in ("MIN", "MAX") and column.is_temporal)


def _moment(table: Table) -> Column | None:
    """What tells newer from older: the creation, else any date, else the primary key."""
    temporal = [column for column in table.columns if column.is_temporal]
    for wanted in ("created", "inserted", "registered", "ordered", "placed", "added", "date"):
        for column in temporal:
            if wanted in key_of(column.name):
                return column
    return temporal[0] if temporal else table.column(table.primary_key)


def _rest(place: Place) -> str:
    return " ".join(word.text for word in place.left)
