"""The Iceberg catalog: its tables are in PostgreSQL, its data files in the data directory. Call it in a thread."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from controlplane.db.server import CONTROL_DATABASE, Server

if TYPE_CHECKING:
    import pyarrow
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

_SCHEMA: Final = "polnor_catalog"  # of PostgreSQL; migration 0083


class TableName(NamedTuple):
    """A table of a workspace, as SQL names it."""

    database: str
    schema: str
    table: str

    def __str__(self) -> str:
        return ".".join(self)


class NoSuchNameError(Exception):
    """There is no such table, schema or database."""


@functools.lru_cache(maxsize=8)
def _open(server: Server, directory: Path) -> SqlCatalog:
    from pyiceberg.catalog.sql import SqlCatalog

    directory.mkdir(parents=True, exist_ok=True)
    user, password = quote(server.user, safe=""), quote(server.password, safe="")
    options = {**dict(server.options), "options": f"-c search_path={_SCHEMA}"}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    uri = f"postgresql+psycopg://{user}:{password}@{server.host}:{server.port}/{CONTROL_DATABASE}?{query}"
    return SqlCatalog("polnor", uri=uri, warehouse=directory.as_uri())


class Catalog:
    """The tables of one workspace.

    Args:
        server: The server of the catalog's own tables.
        directory: The directory of the data files.
        team_id: The workspace.
    """

    def __init__(self, server: Server, directory: Path, team_id: int) -> None:
        self._catalog = _open(server, directory)
        self._root = f"team_{team_id}"

    def databases(self) -> list[str]:
        """Return the names of the databases."""
        return [names[1] for names in self._namespaces((self._root,))]

    def tables(self, database: str) -> Iterator[tuple[TableName, Table]]:
        """Yield the tables of a database; raises NoSuchNameError."""
        if database not in self.databases():
            raise NoSuchNameError(f"database {database}")
        for names in self._namespaces((self._root, database)):
            for identifier in self._catalog.list_tables(names):
                yield TableName(*identifier[1:]), self._catalog.load_table(identifier)

    def table(self, name: TableName) -> Table:
        """Return a table; raises NoSuchNameError."""
        from pyiceberg.exceptions import NoSuchTableError

        try:
            return self._catalog.load_table((self._root, *name))
        except NoSuchTableError:
            raise NoSuchNameError(f"table {name}") from None

    def create_schema(self, database: str, schema: str) -> None:
        """Create a schema, and its database if it is the first one."""
        for names in ((self._root,), (self._root, database), (self._root, database, schema)):
            self._catalog.create_namespace_if_not_exists(names)

    def create_table(self, name: TableName, rows: pyarrow.Table) -> None:
        """Create a table with these rows; raises NoSuchNameError if there is no such schema."""
        from pyiceberg.exceptions import NoSuchNamespaceError

        try:
            made = self._catalog.create_table((self._root, *name), schema=rows.schema)
        except NoSuchNamespaceError:
            raise NoSuchNameError(f"schema {name.database}.{name.schema}") from None
        if rows.num_rows:
            made.append(rows)

    def drop_table(self, name: TableName) -> None:
        """Drop a table; raises NoSuchNameError."""
        self.table(name)
        self._catalog.drop_table((self._root, *name))

    def _namespaces(self, parent: tuple[str, ...]) -> list[tuple[str, ...]]:
        from pyiceberg.exceptions import NoSuchNamespaceError

        try:
            found: list[Any] = self._catalog.list_namespaces(parent)
        except NoSuchNamespaceError:
            return []
        return sorted(tuple(names) for names in found if len(names) == len(parent) + 1)
