"""Run one SQL statement on the catalog's tables with DuckDB. Call it in a thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from controlplane.vendors.polnor.catalog import Catalog, NoSuchNameError, TableName

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

_SECONDS: Final = 15.0
_MOST_ROWS: Final = 1000
# The SQL reads the given tables and nothing else of this machine.
_SANDBOX: Final = {"enable_external_access": "false", "memory_limit": "512MB", "threads": "1"}


class StatementError(Exception):
    """The statement cannot be run. The message says why."""


@dataclass
class Outcome:
    """What a statement returned, and the tables that it read and wrote."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    engine: str
    read: list[str] = field(default_factory=list)
    write: list[str] = field(default_factory=list)


def execute(catalog: Catalog, text: str) -> Outcome:
    """Run a statement. A read runs on DuckDB; a write replaces the table's snapshot, as Spark would.

    Raises:
        StatementError: The statement is invalid, or not one of those that this server knows.
    """
    import duckdb
    from sqlglot import exp

    tree = _parse(text)
    connection = duckdb.connect(config=dict(_SANDBOX))
    timer = threading.Timer(_SECONDS, connection.interrupt)
    timer.start()
    try:
        if isinstance(tree, exp.Query):
            return _read(catalog, connection, tree)
        if isinstance(tree, exp.Create):
            return _create(catalog, connection, tree)
        if isinstance(tree, exp.Drop) and tree.args.get("kind") == "TABLE":
            names = [_name(table) for table in tree.find_all(exp.Table)]
            for name in names:
                catalog.drop_table(name)
            return _written(0, [], *names)
        if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
            return _change(catalog, connection, tree)
        raise StatementError(f"{type(tree).__name__.upper()} is not supported by this server")
    except NoSuchNameError as error:
        raise StatementError(f"there is no {error}") from error
    except duckdb.Error as error:
        raise StatementError(str(error).splitlines()[0]) from error
    finally:
        timer.cancel()
        connection.close()


def _parse(text: str) -> exp.Expr:
    import sqlglot

    try:
        trees = [tree for tree in sqlglot.parse(text, read="duckdb") if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise StatementError(str(error).splitlines()[0]) from error
    if len(trees) != 1:
        raise StatementError(f"one statement is expected, not {len(trees)}")
    return trees[0]


def _read(catalog: Catalog, connection: duckdb.DuckDBPyConnection, tree: exp.Query) -> Outcome:
    names = _load(catalog, connection, tree)
    result = connection.execute(tree.sql(dialect="duckdb"))
    columns = [str(column[0]) for column in result.description or ()]
    return Outcome(columns, result.fetchmany(_MOST_ROWS), "duckdb", read=names)


def _create(catalog: Catalog, connection: duckdb.DuckDBPyConnection, tree: exp.Create) -> Outcome:
    from sqlglot import exp

    kind = tree.args.get("kind")
    if kind == "SCHEMA":
        parts = [part.name for part in tree.this.parts]
        if len(parts) != 2:
            raise StatementError("a schema is named database.schema")
        catalog.create_schema(*parts)
        return Outcome([], [], "spark")
    if kind != "TABLE":
        raise StatementError(f"CREATE {kind} is not supported by this server")
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    name = _name(target)
    names = _load(catalog, connection, tree.expression) if tree.expression is not None else []
    target.replace(exp.to_table("made"))
    connection.execute(tree.sql(dialect="duckdb"))
    rows = connection.sql("SELECT * FROM made").to_arrow_table()
    catalog.create_table(name, rows)
    return _written(rows.num_rows, names, name)


def _change(catalog: Catalog, connection: duckdb.DuckDBPyConnection, tree: exp.Expr) -> Outcome:
    from sqlglot import exp

    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    name = _name(target)
    table = catalog.table(name)
    names = _load(catalog, connection, tree, target=name)
    count = (connection.execute(tree.sql(dialect="duckdb")).fetchone() or (0,))[0]
    schema = table.schema().as_arrow()
    table.overwrite(connection.sql("SELECT * FROM target").to_arrow_table().cast(schema))
    return _written(int(count), [each for each in names if each != str(name)], name)


def _load(
    catalog: Catalog, connection: duckdb.DuckDBPyConnection, tree: exp.Expr, target: TableName | None = None
) -> list[str]:
    """Make the tables of a statement known to DuckDB, and replace their names in it. Return the names."""
    from sqlglot import exp

    own = {each.alias for each in tree.find_all(exp.CTE)}
    known: dict[TableName, str] = {}
    for reference in list(tree.find_all(exp.Table)):
        if not reference.db and reference.name in own:
            continue
        name = _name(reference)
        if name not in known:
            known[name] = "target" if name == target else f"source_{len(known)}"
            rows = catalog.table(name).scan().to_arrow()
            connection.register(f"rows_{known[name]}", rows)
            kind = "TABLE" if name == target else "VIEW"
            connection.execute(f"CREATE {kind} {known[name]} AS SELECT * FROM rows_{known[name]}")  # noqa: S608 - our names
        alias = reference.alias or (None if name == target else reference.name)
        reference.replace(exp.to_table(known[name], alias=alias))
    for column in tree.find_all(exp.Column):
        column.set("db", None)
        column.set("catalog", None)
    return sorted(map(str, known))


def _name(reference: exp.Expr) -> TableName:
    parts = [part.name for part in getattr(reference, "parts", [])]
    if len(parts) != 3:
        raise StatementError(f"{reference.sql()} must be named database.schema.table")
    return TableName(*parts)


def _written(count: int, read: list[str], *names: TableName) -> Outcome:
    return Outcome(["count"], [(count,)], "spark", read=read, write=list(map(str, names)))
