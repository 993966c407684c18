"""What a database holds, as far as a translator needs to know. Names and types only, never rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

Kind = Literal["text", "number", "boolean", "date", "timestamp", "timestamptz", "other"]

_KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    (r".*\[\]", "other"),
    (r"(character|varchar|char|text|citext|bpchar|tinytext|mediumtext|longtext|enum|uuid|name).*", "text"),
    (r"(tinyint\(1\)|bool).*", "boolean"),
    (r"(small|big|tiny|medium)?int.*|numeric.*|decimal.*|real|double.*|float.*|money", "number"),
    (r"date", "date"),
    (r"timestamp.*with time zone|timestamptz.*", "timestamptz"),
    (r"(timestamp|datetime).*", "timestamp"),
)


@dataclass(frozen=True)
class Column:
    """type: as the engine writes it. has_default: an insert may leave it out."""

    name: str
    type: str
    has_default: bool = False
    # An enum's values, by which "shipped orders" is understood; also what a comparison must not lower-case.
    labels: tuple[str, ...] = ()

    @cached_property
    def kind(self) -> Kind:
        """What may be asked of it."""
        if self.labels:
            return "text"
        return next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, self.type.lower())), "other")

    @property
    def is_string(self) -> bool:
        """Whether lower(), LIKE and the like work on it."""
        return self.kind == "text" and not self.labels and self.type.lower() != "uuid"

    @property
    def is_temporal(self) -> bool:
        """Whether it is a date or a point in time."""
        return self.kind in ("date", "timestamp", "timestamptz")


@dataclass(frozen=True)
class ForeignKey:
    """One column that refers to one column of a table; longer keys are left out."""

    column: str
    table: str
    target: str


@dataclass(frozen=True)
class Table:
    """A table or view. primary_key: its one column, None where there is none or there are several."""

    name: str
    columns: tuple[Column, ...]
    primary_key: str | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()

    def column(self, name: str | None) -> Column | None:
        """By its exact name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def plain_columns(self) -> Iterator[Column]:
        """Without keys: what amounts are looked for in."""
        keys = {self.primary_key, *(key.column for key in self.foreign_keys)}
        return (column for column in self.columns if column.name not in keys)


@dataclass(frozen=True)
class Schema:
    """All that a tenant sees without naming a schema."""

    tables: tuple[Table, ...]

    def table(self, name: str) -> Table | None:
        """By its exact name."""
        return next((table for table in self.tables if table.name == name), None)

    def links(self, child: Table, parent: Table) -> list[ForeignKey]:
        """The foreign keys by which `child` refers to `parent`."""
        return [key for key in child.foreign_keys if key.table == parent.name]
