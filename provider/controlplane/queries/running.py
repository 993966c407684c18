"""Which runner a database has."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from controlplane.queries.mysql import open_mysql
from controlplane.queries.outcome import Runner
from controlplane.queries.postgres import open_postgres
from controlplane.services import Services
from controlplane.store.pool import Row


def open_runner(services: Services, database: Row) -> AbstractAsyncContextManager[Runner]:
    """A session in the database for one query. Raises SqlFailed where it cannot be had."""
    if database["db_type"] == "mysql":
        return open_mysql(services, database)
    return open_postgres(services, database)
