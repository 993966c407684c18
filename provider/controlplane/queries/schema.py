"""The tables of a tenant's database, as far as a translator needs them: names and types, never rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column. type: as the engine writes it. labels: the values of an enum."""

    name: str
    type: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeignKey:
    """One column that refers to one column of a table; keys of several columns are left out."""

    column: str
    table: str
    target: str


@dataclass(frozen=True)
class Table:
    """A table or view. primary_key: its one column; None where it has none or several."""

    name: str
    columns: tuple[Column, ...]
    primary_key: str | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True)
class Schema:
    """All tables and views that a tenant sees without naming a schema."""

    tables: tuple[Table, ...]
