"""Which table or column words mean: any case, singular or plural, `snake_case`, `camelCase` or spaces. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from controlplane.queries.translation.schema import Column, Schema, Table
from controlplane.queries.translation.words import Place, Word

Key = tuple[str, ...]
_Named = TypeVar("_Named", Table, Column)

_IRREGULAR: Final = {"people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse",
                     "indices": "index", "criteria": "criterion", "feet": "foot", "wives": "wife"}  # fmt: skip
_SAME: Final = frozenset({"series", "news", "status", "address", "data", "analysis", "basis", "bus", "gas", "process"})
_LONGEST: Final = 6  # words of a name


@lru_cache(maxsize=4096)
def singular(word: str) -> str:
    """A word of any number in the singular; good enough that both sides of a comparison come out alike."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _SAME or len(word) < 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes", "uses")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=4096)
def key_of(name: str) -> Key:
    """The words of a name in the singular."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(singular(part) for part in re.split(r"[\s_\-./]+", spaced.lower()) if part)


def _spoken(words: Iterable[Word]) -> Key:
    return tuple(part for word in words for part in key_of(word.text))


def _match(items: Sequence[_Named], words: Sequence[Word], prefix: Key = ()) -> tuple[_Named, int] | None:
    """The item that the first words name, the longest name first, and how many words it took."""
    for length in range(min(_LONGEST, len(words)), 0, -1):
        taken = words[:length]
        if length == 1 and taken[0].quoted:
            exact = [item for item in items if item.name == taken[0].text]
        else:
            exact = [item for item in items if [item.name] == [" ".join(word.text for word in taken)]]
        if exact:
            return exact[0], length
        if any(word.quoted or word.text == "," for word in taken):
            continue
        spoken = _spoken(taken)
        alike = [item for item in items if spoken and key_of(item.name) in (spoken, prefix + spoken)]
        if alike:
            return alike[0], length
    return None


def take_table(place: Place, schema: Schema) -> Table | None:
    """The table that comes next, and move behind it."""
    found = _match(schema.tables, place.left)
    if found is None:
        return None
    place.at += found[1]
    return found[0]


def take_column(place: Place, table: Table) -> Column | None:
    """The column that comes next, also as `customer name` in customers, and move behind it."""
    prefix = key_of(table.name)
    found = _match(table.columns, place.left, prefix)
    if found is None and len(place.left) > 1 and _spoken(place.left[:1]) == prefix:
        found = _match(table.columns, place.left[1:])
        found = None if found is None else (found[0], found[1] + 1)
    if found is None and place.sees("id") and table.primary_key is not None:
        column = table.column(table.primary_key)
        found = None if column is None else (column, 1)
    if found is None:
        return None
    place.at += found[1]
    return found[0]


def label_of(table: Table) -> Column | None:
    """The column that people call a row by."""
    strings = [column for column in table.columns if column.is_string]
    for wanted in (("name",), ("full", "name"), ("title",), (*key_of(table.name), "name"), ("label",),
                   ("username",), ("user", "name"), ("slug",), ("code",), ("email",)):  # fmt: skip
        for column in strings:
            if key_of(column.name) == wanted:
                return column
    return None


# What people call the money of a row when no column is called that.
_AMOUNTS: Final = ("amount", "total", "total_amount", "total_price", "price", "value", "cost", "sum",
                   "revenue", "spend",
                   "subtotal", "grand_total", "net", "gross", "salary", "score", "points", "quantity",
                   "balance")  # fmt: skip
_MONEY_WORDS: Final = frozenset({"spend", "spending", "spent", "revenue", "sales", "sale", "amount", "value", "money",
                                 "total", "turnover", "price", "cost"})  # fmt: skip


def amount_of(table: Table, spoken: str = "amount") -> Column | None:
    """The numeric column that an amount without a name means: by its usual names, else the only one."""
    if spoken not in _MONEY_WORDS:
        return None
    numbers = [column for column in table.plain_columns if column.kind == "number"]
    for wanted in _AMOUNTS:
        for column in numbers:
            if key_of(column.name) == key_of(wanted):
                return column
    return numbers[0] if len(numbers) == 1 else None
