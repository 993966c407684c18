"""Tables of a tenant's database as a translator needs them: names and types, never rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column."""

    name: str
    type: str  # as the engine writes it
    labels: tuple[str, ...] = ()  # the values of an enum


@dataclass(frozen=True)
class ForeignKey:
    """A column that references a column of a table. Keys of several columns are left out."""

    column: str
    table: str
    target: str


@dataclass(frozen=True)
class Table:
    """A table or view."""

    name: str
    columns: tuple[Column, ...]
    primary_key: str | None = None  # None also if it has several columns
    foreign_keys: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True)
class Schema:
    """The tables and views that a tenant sees without naming a schema."""

    tables: tuple[Table, ...]
