"""Environment variables for programs that use a database, by role.

A database has one user, and the API creates no others. Roles therefore differ in the variables that they get, not in
permissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from resourcekit.component import ChildOutputs, Output
from resourcekit.unknown import UNKNOWN


class _Names(NamedTuple):
    host: str
    port: str
    database: str
    user: str
    password: str


# The variables that each engine's clients read. MySQL's clients read no database or user name: those two are the names
# in MySQL's container images.
_CLIENTS: Final[Mapping[str, _Names]] = {
    "postgres": _Names("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"),
    "mysql": _Names("MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PWD"),
}
_ANY: Final = _Names("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")


def environment_variables(database: ChildOutputs) -> Any:
    """Return the variables by role and name; unknown while the engine, which determines the names, is unknown."""
    engine = database["db_type"]
    if engine.value is UNKNOWN:
        return Output(UNKNOWN, sources=engine.sources)
    names = _CLIENTS.get(engine.value, _ANY)
    observer = {
        names.host: database["host"],
        names.port: database["port"].map(str),
        names.database: database["db_name"],
    }
    app = {
        "DATABASE_URL": database["connection_string"],
        **observer,
        names.user: database["db_username"],
        names.password: database["db_password"],
    }
    return {"app": app, "observer": observer}
