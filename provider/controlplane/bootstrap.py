"""Open what a control-plane process works with: the store, the database engines, the clock."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from controlplane.blueprints.mysql.clones import drop_leftovers
from controlplane.blueprints.validation import validation_busy
from controlplane.db.batched_reads import BatchedReads
from controlplane.db.pool import Pool, make_pool
from controlplane.db.process_lease import ProcessLease
from controlplane.db.server import CONTROL_DATABASE, Server
from controlplane.engines.base import EngineRegistry
from controlplane.engines.mysql.binaries import MISSING, NO_HOST, find_binaries
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.engines.mysql.process import ServerFiles
from controlplane.engines.mysql.server import MysqlServer
from controlplane.engines.postgres.bootstrap import bootstrap
from controlplane.engines.postgres.engine import PostgresEngine
from controlplane.plans import Plans
from controlplane.query_answers import QueryAnswer
from controlplane.services import Services
from controlplane.settings import Settings
from controlplane.state_file import StateFile
from controlplane.user_queue import UserQueue


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings,
    server: Server,
    directory: Path,
    state: StateFile,
    plans: Plans,
    query_answers: Sequence[QueryAnswer] = (),
) -> AsyncIterator[Services]:
    """Prepare the PostgreSQL server, open the pool and the engines, and yield the services.

    Args:
        settings: What `polykomos dev` was started with.
        server: A running PostgreSQL server. Its control database is created and migrated if necessary.
        directory: Where this process has its files.
        state: Ports and passwords of the data directory.
        plans: The plans that can be ordered.
        query_answers: The answers of the seed file.

    Raises:
        UnusableServerError: The PostgreSQL server cannot be reached, or its role is no superuser.
    """
    await bootstrap(server)
    lease = ProcessLease(server)
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(make_pool(server.conninfo(CONTROL_DATABASE)))
        await lease.acquire()
        stack.push_async_callback(lease.release)
        mysql = _mysql_server(settings, directory / "mysql", pool, state)
        engines = EngineRegistry(PostgresEngine(server, pool), MysqlEngine(mysql, pool))
        await stack.enter_async_context(mysql.lifespan(lease))
        yield Services(
            settings=settings,
            directory=directory,
            pool=pool,
            reads=BatchedReads(pool),
            server=server,
            engines=engines,
            lease=lease,
            plans=plans,
            dry_run_slots=UserQueue(validation_busy),
            query_answers=query_answers,
        )


def _mysql_server(settings: Settings, directory: Path, pool: Pool, state: StateFile) -> MysqlServer:
    """Choose whether this process runs MariaDB.

    An ephemeral directory can contain MariaDB's files only if the store is ephemeral too. A store that remains names
    databases that are gone then.
    """
    binaries = find_binaries()
    owns_store, is_ephemeral = settings.database_url is None, settings.data_dir is None
    can_host = binaries is not None and (owns_store or not is_ephemeral)
    return MysqlServer(
        pool,
        state,
        ServerFiles(directory, binaries, ephemeral=is_ephemeral) if binaries is not None and can_host else None,
        owns_store=owns_store,
        unavailable_reason=MISSING if binaries is None else NO_HOST,
        on_start=drop_leftovers,
    )
