"""How an engine writes names and values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from controlplane.queries.translation.schema import Column


@dataclass(frozen=True)
class Dialect:
    """quote: around names. backslashes: whether they escape inside a string. zones: literals carry `+00`."""

    name: str
    title: str
    quote: str
    backslashes: bool
    zones: bool
    serial: str

    def identifier(self, name: str) -> str:
        """A name, whatever it holds."""
        return f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}"

    def text(self, value: str) -> str:
        """A string literal."""
        doubled = value.replace("'", "''")
        if self.backslashes:
            doubled = doubled.replace("\\", "\\\\")
        return f"'{doubled}'"

    def pattern(self, value: str) -> str:
        """`value` for LIKE … ESCAPE '!', with what LIKE would read as a wildcard taken literally."""
        return "".join(f"!{character}" if character in "%_!" else character for character in value)

    def like(self, column: str, pattern: str) -> str:
        """Whether a text column matches in any case."""
        if self.name == "postgres":
            return f"{column} ILIKE {self.text(pattern)} ESCAPE '!'"
        return f"LOWER({column}) LIKE {self.text(pattern.lower())} ESCAPE '!'"

    def moment(self, column: Column, moment: datetime) -> str:
        """A point in time (UTC) as a literal that fits the column."""
        if column.kind == "date":
            return self.text(moment.date().isoformat())
        zone = "+00" if self.zones and column.kind == "timestamptz" else ""
        return self.text(f"{moment.date().isoformat()} {moment:%H:%M:%S}{zone}")

    def type_name(self, wanted: str) -> str:
        """The type of a new column: text, integer, numeric, boolean, date, timestamp, json."""
        return (_POSTGRES_TYPES if self.name == "postgres" else _MYSQL_TYPES)[wanted]


_POSTGRES_TYPES: Final = {
    "text": "TEXT",
    "integer": "INTEGER",
    "numeric": "NUMERIC",
    "boolean": "BOOLEAN NOT NULL DEFAULT FALSE",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "json": "JSONB",
}
_MYSQL_TYPES: Final = {
    "text": "VARCHAR(255)",
    "integer": "INT",
    "numeric": "DECIMAL(18,4)",
    "boolean": "BOOLEAN NOT NULL DEFAULT FALSE",
    "date": "DATE",
    "timestamp": "DATETIME",
    "json": "JSON",
}

POSTGRES: Final = Dialect("postgres", "PostgreSQL", '"', backslashes=False, zones=True, serial="SERIAL PRIMARY KEY")
MYSQL: Final = Dialect("mysql", "MySQL", "`", backslashes=True, zones=False, serial="INT AUTO_INCREMENT PRIMARY KEY")
