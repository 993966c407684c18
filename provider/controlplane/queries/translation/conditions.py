"""What rows are meant: everything that may follow a table's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from controlplane.queries.failures import NotUnderstood
from controlplane.queries.translation.dates import take_span
from controlplane.queries.translation.expressions import (
    Context,
    Expression,
    alias_beside,
    any_of,
    equals,
    literal,
    within,
)
from controlplane.queries.translation.names import amount_of, key_of, label_of, take_column, take_table
from controlplane.queries.translation.schema import Column, ForeignKey, Table
from controlplane.queries.translation.values import take_value
from controlplane.queries.translation.words import Place, Word

_FILLERS: Final = ("and", ",", "but", "that", "which", "who", "where", "whose", "having", "with", "are", "is", "were",
                   "was", "have", "has", "had", "been", "the", "a", "an", "only", "also", "all")  # fmt: skip
_CREATED: Final = ("created", "added", "registered", "joined", "signed up", "made", "placed", "inserted", "opened")
_GROUPS: Final = ("company", "organization", "organisation", "employer", "account", "client", "customer", "team",
                  "department", "school", "university", "vendor", "supplier", "brand")  # fmt: skip
_LANDS: Final = ("city", "town", "state", "province", "country", "region", "location", "address")
_BY_PREPOSITION: Final = {
    "from": (*_GROUPS, *_LANDS, "source"),
    "at": (*_GROUPS, "location", "address"),
    "in": (*_LANDS, "department", "category", "team", "status", "stage", "type", "project", "genre"),
    "for": ("customer", "client", "user", "company", "account", "project", "product", "owner", "team"),
    "of": ("customer", "client", "user", "owner", "company", "account", "project", "product", "category", "team"),
    "by": ("author", "user", "customer", "owner", "creator", "created_by", "assignee", "artist", "vendor", "supplier",
           "seller", "employee", "client"),
    "to": ("customer", "recipient", "assignee", "user", "city", "country"),
}  # fmt: skip
_STATE: Final = re.compile(r"[a-z]+(ed|ing|en|ive|ete|ready|aid)|new|draft|done|failed|sent|overdue|late|won|lost|due")
_COMPARISONS: Final = {
    ">": ("over", "above", "more than", "greater than", "larger than", "bigger than", "higher than", "exceeding", ">",
          "is over", "is above", "is more than", "is greater than", "older than"),
    "<": ("under", "below", "less than", "fewer than", "smaller than", "lower than", "cheaper than", "<", "is under",
          "is below", "is less than", "younger than"),
    ">=": ("at least", ">=", "no less than", "is at least", "greater than or equal to", "starting at"),
    "<=": ("at most", "<=", "no more than", "is at most", "less than or equal to", "up to"),
    "<>": ("!=", "<>", "is not", "not", "isn't", "other than", "different from", "not equal to", "does not equal",
           "are not", "except"),
    "=": ("=", "is", "equals", "equal to", "is equal to", "of", "are", "was", "exactly", "being", "as"),
}  # fmt: skip
_SIGNS: Final = {phrase: sign for sign, phrases in _COMPARISONS.items() for phrase in phrases}
_PATTERNS: Final = {
    "{}%": ("starts with", "start with", "starting with", "begins with", "begin with", "beginning with"),
    "%{}": ("ends with", "end with", "ending with", "ends in", "ending in"),
    "%{}%": ("contains", "contain", "containing", "includes", "including", "like", "matches", "matching", "has"),
}
_LIKES: Final = {phrase: form for form, phrases in _PATTERNS.items() for phrase in phrases}
_EMPTY: Final = ("is null", "is empty", "is missing", "is unknown", "is not set", "missing", "null", "is blank",
                 "not set", "are missing", "are empty")  # fmt: skip
_FILLED: Final = ("is not null", "is not empty", "is set", "is known", "exists", "is present", "not null", "present")
_NO_VALUE: Final = ("each", "every", "any", "most", "more", "less", "descending", "ascending")
_COUNTED: Final = {">": ("more than", "over"), ">=": ("at least",), "<": ("fewer than", "less than"),
                   "<=": ("at most", "no more than"), "=": ("exactly",)}  # fmt: skip


class Conditions:
    """Reads conditions on one table from a place. writes: for an order, which is not guessed at."""

    def __init__(self, context: Context, table: Table, place: Place, *, writes: bool = False) -> None:
        self._context = context
        self._writes = writes
        self._table = table
        self._place = place

    def take_all(self) -> list[Expression]:
        """All that come next, to be joined by AND; those with `or` between them are one. Stops where none comes."""
        found: list[Expression] = []
        while (one := self._take_one()) is not None:
            alternatives = [one]
            while self._place.sees("or"):
                began = self._place.at
                self._place.next()
                other = self._take_one()
                if other is None:
                    self._place.at = began
                    break
                alternatives.append(other)
            found.append(any_of(alternatives))
        return found

    def take_row(self) -> Expression | None:
        """One row by its number or its name, right behind the table: `order 42`, `contact Jane Doe`."""
        place, began = self._place, self._place.at
        primary = self._table.column(self._table.primary_key)
        place.take("with id", "with the id", "id", "number", "no", "nr", "#")
        place.take("=", "is")
        if (
            primary is not None
            and place.peek().number is not None
            and not place.peek().text.startswith(("$", "€", "£"))
        ):
            if primary.kind == "number":
                return equals(self._context, primary, place.next())
        elif primary is not None and place.at > began and not place.done:
            return equals(self._context, primary, place.next())
        place.at = began
        label = label_of(self._table)
        named = place.take("named", "called", "with name", "with the name", "by the name of")
        word = place.peek()
        if label is not None and (named or word.quoted or (word.text[:1].isupper() and word.text[:1].isalpha())):
            return equals(self._context, label, take_value(place, self._context))
        place.at = began
        return None

    def _take_one(self) -> Expression | None:
        began = self._place.at
        for way in self._ways():
            self._place.at = began
            found = way()
            if found is not None:
                return found
        self._place.at = began
        return None

    def _ways(self) -> Iterator[Callable[[], Expression | None]]:
        yield self._without
        yield self._counted
        yield self._time
        yield self._named
        yield self._of_column
        yield self._flag
        yield self._amount
        yield self._belonging

    # Rows of other tables

    def _without(self) -> Expression | None:
        place = self._place
        place.skip("and", ",", "who", "that", "which", "but")
        if not place.take("without", "without any", "with no", "have no", "has no", "having no", "have never",
                          "don't have", "do not have", "don't have any", "do not have any", "missing", "lacking",
                          "with missing"):  # fmt: skip
            return None
        place.skip("a", "an", "any", "the")
        at = place.at
        child = take_table(place, self._context.schema)
        if child is not None:
            link = self._link(child)
            if link is not None:
                return lambda ref: f"NOT EXISTS ({self._rows(child, link, '1')})"
        place.at = at
        column = take_column(place, self._table)
        return None if column is None else lambda ref: f"{ref(column.name)} IS NULL"

    def _counted(self) -> Expression | None:
        place = self._place
        place.skip("and", ",", "who", "that", "which", "but")
        if not place.take("with", "have", "has", "having", "had", "made", "placed"):
            return None
        sign = next((sign for sign, phrases in _COUNTED.items() if place.take(*phrases)), None)
        number = place.peek().number
        if number is not None and number == int(number):
            place.next()
        elif sign is not None or not place.take("any", "some", "at least one"):
            number = None
            if sign is not None:
                return None
        child = take_table(place, self._context.schema)
        link = None if child is None else self._link(child)
        if child is None or link is None or take_column_here(place):
            return None
        if number is None:
            return lambda ref: f"EXISTS ({self._rows(child, link, '1')})"
        return lambda ref: f"({self._rows(child, link, 'COUNT(*)')}) {sign or '='} {int(number)}"

    def _link(self, child: Table) -> ForeignKey | None:
        links = self._context.schema.links(child, self._table)
        return links[0] if links else None

    def _rows(self, child: Table, link: ForeignKey, what: str) -> str:
        """The rows of `child` that refer to the row at hand, as a subquery."""
        name = self._context.dialect.identifier
        other = name(alias_beside(self._table))
        joined = f"{other}.{name(link.column)} = {name(self._table.name)}.{name(link.target)}"
        return f"SELECT {what} FROM {name(child.name)} AS {other} WHERE {joined}"  # noqa: S608 - every name is quoted

    # Time

    def _time(self) -> Expression | None:
        place = self._place
        place.skip(*_FILLERS)
        verb = place.take(*_CREATED)
        if verb is None and not place.peek().quoted:
            column = self._by_verb(place.peek())
            if column is not None:
                place.next()
                span = take_span(place, self._context.now)
                return None if span is None else within(self._context, column, span)
        column = self._moment_of_creation()
        span = None if column is None else take_span(place, self._context.now)
        return None if column is None or span is None else within(self._context, column, span)

    def _by_verb(self, word: Word) -> Column | None:
        """`shipped` means shipped_at, `due` due_date."""
        for column in self._table.columns:
            key = key_of(column.name)
            if column.is_temporal and word.lower and key and key[0] == word.lower:
                return column
        return None

    def _moment_of_creation(self) -> Column | None:
        """What a time without a verb is about: the creation, else the first date there is."""
        temporal = [column for column in self._table.columns if column.is_temporal]
        for wanted in ("created", "inserted", "registered", "joined", "ordered", "placed", "added", "date"):
            for column in temporal:
                if wanted in key_of(column.name):
                    return column
        return temporal[0] if temporal else None

    # Columns

    def _named(self) -> Expression | None:
        place = self._place
        place.skip("and", ",", "who", "that", "which", "is", "are")
        label = label_of(self._table)
        if label is None or not place.take("named", "called", "by the name of"):
            return None
        return equals(self._context, label, take_value(place, self._context))

    def _of_column(self) -> Expression | None:
        place = self._place
        place.skip(*_FILLERS)
        column = take_column(place, self._table)
        if column is None:
            return None
        name = column.name
        if place.take(*_FILLED):
            return lambda ref: f"{ref(name)} IS NOT NULL"
        if place.take(*_EMPTY):
            return lambda ref: f"{ref(name)} IS NULL"
        if column.kind == "boolean" and (place.done or place.sees("and", "or", ",", "order by", "sorted by")):
            return lambda ref: f"{ref(name)} = TRUE"
        return self._compared(column)

    def _compared(self, column: Column) -> Expression | None:
        place, context = self._place, self._context
        name = column.name
        if column.is_temporal:
            place.take("is", "was", "=", "of", "are")
            span = take_span(place, context.now)
            return None if span is None else within(context, column, span)
        if place.take("between", "is between", "from") and column.kind == "number":
            low, high = self._pair(column)
            return lambda ref: f"{ref(name)} BETWEEN {low} AND {high}"
        negated = bool(place.take("does not", "doesn't", "do not", "not") if self._sees_negated_like() else None)
        form = _LIKES.get(place.take(*_LIKES) or "") if column.is_string else None
        if form is not None:
            pattern = form.replace("{}", context.dialect.pattern(take_value(place, context).text))
            return lambda ref: f"{'NOT ' if negated else ''}{context.dialect.like(ref(name), pattern)}"
        sign = _SIGNS.get(place.take(*_SIGNS) or "", "=")
        if sign in ("=", "<>") and place.take("in", "one of", "in the list", "any of", "either"):
            place.take("(")
        if sign not in ("=", "<>"):
            value = literal(context, column, take_value(place, context))
            return lambda ref: f"{ref(name)} {sign} {value}"
        return self._one_of(column, sign)

    def _sees_negated_like(self) -> bool:
        ahead = Place(self._place.words, self._place.at)
        return bool(ahead.take("does not", "doesn't", "do not", "not") and ahead.take(*_LIKES))

    def _one_of(self, column: Column, sign: str) -> Expression:
        """A value, or several with `or` and commas between them."""
        place, context = self._place, self._context
        first = equals(context, column, take_value(place, context))
        found = [first]
        while place.sees("or", ","):
            at = place.at
            place.skip("or", ",")
            began = place.at
            if self._take_one() is not None or Place(place.words, began).sees("order by", "sorted by", "limit"):
                place.at = at  # a condition of its own
                break
            place.at = began
            try:
                found.append(equals(context, column, take_value(place, context)))
            except NotUnderstood:
                place.at = at
                break
        place.take(")")
        either = any_of(found)
        return either if sign == "=" else lambda ref: _not(either(ref))

    def _pair(self, column: Column) -> tuple[str, str]:
        place, context = self._place, self._context
        low = literal(context, column, take_value(place, context))
        if not place.take("and", "to", "-"):
            raise NotUnderstood("Between needs two values: between 10 and 20.")
        return low, literal(context, column, take_value(place, context))

    def _flag(self) -> Expression | None:
        """`that are active`, `which are not paid`."""
        place = self._place
        lead = place.take("that are", "who are", "which are", "that is", "are", "is", "that were", "where")
        if lead is None and not place.sees("not"):
            return None
        at = place.at
        found = flag(place, self._table)
        if found is None:
            place.at = at
            found = state(place, self._context, self._table)
        return found

    def _amount(self) -> Expression | None:
        """`over 100`, `between 10 and 20`: of the column that holds the amount."""
        place, context = self._place, self._context
        place.skip(*_FILLERS)
        place.take("worth", "costing", "of", "priced", "valued", "totaling", "totalling")
        column = amount_of(self._table)
        if column is None:
            return None
        if place.take("between"):
            if place.peek().number is None:
                return None
            low, high = self._pair(column)
            return lambda ref: f"{ref(column.name)} BETWEEN {low} AND {high}"
        sign = _SIGNS.get(place.take(*_SIGNS) or "")
        if sign in (None, "=", "<>") or place.peek().number is None:
            return None
        value = literal(context, column, place.next())
        return lambda ref: f"{ref(column.name)} {sign} {value}"

    # Whose, where

    def _belonging(self) -> Expression | None:
        """`from Acme Corp`, `in Berlin`, `for customer 3`, `by Jane`."""
        place = self._place
        place.skip("and", ",", "that", "which", "who", "are", "is", "was", "were", "belong", "belonging", "working",
                   "living", "located", "based", "made", "placed", "written", "owned", "live", "work", "come",
                   "coming", "assigned", "sold", "employed")  # fmt: skip
        preposition = place.take(*_BY_PREPOSITION)
        if preposition is None or (self._writes and preposition == "to"):
            return None
        place.take("the", "a", "an", "all")
        explicit = self._explicit()
        if explicit is not None:
            return explicit
        if place.done:
            return None
        if place.peek().lower and Place(place.words, place.at).take(*_NO_VALUE):
            return None
        meant = [found for found in map(self._meant, _BY_PREPOSITION[preposition]) if found is not None]
        parents = [key for key in self._table.foreign_keys if self._label(key) is not None]
        if not meant and len(parents) == 1:
            meant = [self._of_parent(parents[0])]
        if not meant:
            return None
        if len(meant) > 1 and self._writes:
            raise NotUnderstood(
                f"'{preposition}' may be about several columns; name one, as in 'where column is value'."
            )
        value = take_value(place, self._context)
        # Where several could be meant, a row counts that matches in any of them.
        return any_of([each(value) for each in meant])

    def _explicit(self) -> Expression | None:
        """With the parent's or the column's name before the value: `for customer Jane`, `in the city Berlin`."""
        place, began = self._place, self._place.at
        parent = take_table(place, self._context.schema)
        if parent is not None and not place.done:
            for key in self._context.schema.links(self._table, parent):
                column = self._table.column(key.column)
                if column is not None and column.kind == "number" and place.peek().number is not None:
                    return equals(self._context, column, place.next())
                if self._label(key) is not None and not place.sees("and", "or", ","):
                    place.take("named", "called")
                    return self._of_parent(key)(take_value(place, self._context))
        place.at = began
        own = take_column(place, self._table)
        if own is not None and not place.done and not own.is_temporal:
            return equals(self._context, own, take_value(place, self._context))
        place.at = began
        return None

    def _meant(self, wanted: str) -> Callable[[Word], Expression] | None:
        """The text column or the parent that a preposition may be about."""
        keys = (key_of(wanted), (*key_of(wanted), "name"))
        for column in self._table.columns:
            if (column.is_string or column.labels) and key_of(column.name) in keys:
                return lambda word: equals(self._context, column, word)
        for key in self._table.foreign_keys:
            bare = tuple(part for part in key_of(key.column) if part not in ("id", "uuid"))
            if (bare == keys[0] or key_of(key.table) == keys[0]) and self._label(key) is not None:
                return self._of_parent(key)
        return None

    def _label(self, key: ForeignKey) -> Column | None:
        parent = self._context.schema.table(key.table)
        return None if parent is None else label_of(parent)

    def _of_parent(self, key: ForeignKey) -> Callable[[Word], Expression]:
        """Rows whose parent is called so."""
        label = self._label(key)
        assert label is not None
        name = self._context.dialect.identifier

        def named(word: Word) -> Expression:
            condition = equals(self._context, label, word)
            inner = f"SELECT {name(key.target)} FROM {name(key.table)} WHERE {condition(name)}"  # noqa: S608 - every name is quoted
            return lambda ref: f"{ref(key.column)} IN ({inner})"

        return named


def flag(place: Place, table: Table) -> Expression | None:
    """A yes-or-no column, or a state: `active`, `not paid`, `unpaid`, `inactive`, `shipped`; moves behind it."""
    negated = place.take("not", "non") is not None
    word = place.peek().lower
    if not word:
        return None
    for candidate, turned in ((word, False), *((word.removeprefix(un), True) for un in ("un", "in", "non-", "not-"))):
        if turned and candidate == word:
            continue
        for column in table.columns:
            key = key_of(column.name)
            bare = key[1:] if key[:1] in (("is",), ("has",)) else key
            if column.kind == "boolean" and key_of(candidate) in (key, bare):
                place.next()
                truth = "FALSE" if negated != turned else "TRUE"
                return _fixed(column, f"= {truth}")
    return None


def state(place: Place, context: Context, table: Table) -> Expression | None:
    """An adjective that is a value of the column status or state, or of any enum: `shipped orders`."""
    negated = place.take("not", "non") is not None
    word = place.peek()
    for column in table.columns:
        named = key_of(column.name)[-1:] in (("status",), ("state",), ("stage",)) and column.is_string
        if word.lower and (
            word.lower in (label.lower() for label in column.labels) or (named and _STATE.fullmatch(word.lower))
        ):
            place.next()
            condition = equals(context, column, word)
            return _negated(condition) if negated else condition
    return None


def _fixed(column: Column, rest: str) -> Expression:
    return lambda ref: f"{ref(column.name)} {rest}"


def _negated(condition: Expression) -> Expression:
    return lambda ref: _not(condition(ref))


def _not(condition: str) -> str:
    return f"NOT ({condition})"


def take_column_here(place: Place) -> bool:
    """Whether what looked like a table is followed by a comparison, and so was a column after all."""
    return place.sees("=", ">", "<", "is", "over", "under", "above", "below", "starting", "containing", "between")
