"""Environment variables for those who work with a database, by their role.

A database has one user (the API makes no others), so roles differ in what they are told, never in what the user may do.
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


# What each engine's own clients read; MySQL's read no name of a database or user: those are as its images have them.
_CLIENTS: Final[Mapping[str, _Names]] = {
    "postgres": _Names("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"),
    "mysql": _Names("MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PWD"),
}
_ANY: Final = _Names("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")


def environment_variables(database: ChildOutputs) -> Any:
    """The variables by role and name. Unknown as a whole while the engine is, which decides their names."""
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
