"""The parts that all packages of the control plane share: the store, the database server, the clock, notifiers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.clock import Clock
from controlplane.db.batched_reads import BatchedReads
from controlplane.db.pool import Pool
from controlplane.db.process_lease import ProcessLease
from controlplane.db.server import Server
from controlplane.dev_controls import DevControls
from controlplane.engines.base import EngineRegistry
from controlplane.notifier import KeyedNotifier, Notifier
from controlplane.plans import PLANS, Plans
from controlplane.query_answers import QueryAnswer
from controlplane.settings import Settings
from controlplane.user_queue import UserQueue


@dataclass(frozen=True)
class Notifiers:
    """One notifier for each kind of change. Notify after the commit, never before."""

    jobs: Notifier = field(default_factory=Notifier)  # instances are to be created
    creations: Notifier = field(default_factory=Notifier)  # databases wait for their blueprints
    pool: Notifier = field(default_factory=Notifier)  # an instance was taken from the warm pool
    # A database has another status; the key is its number.
    databases: KeyedNotifier = field(default_factory=KeyedNotifier)
    deletions: Notifier = field(default_factory=Notifier)  # a database was deleted
    applications: Notifier = field(default_factory=Notifier)  # a blueprint application was queued or has ended
    deliveries: Notifier = field(default_factory=Notifier)  # a webhook delivery is due
    quotas: Notifier = field(default_factory=Notifier)  # a limit or a size has changed
    vendor_jobs: Notifier = field(default_factory=Notifier)  # a job of another vendor's API was queued

    def notify_all(self) -> None:
        """Wake all subscribers, for changes that concern all of them, such as another time."""
        for notifier in vars(self).values():
            notifier.notify()


@dataclass(frozen=True)
class Services:
    """The parts shared by all requests and background workers of one process."""

    settings: Settings  # what `polykomos dev` was started with
    directory: Path  # where this process has its files
    pool: Pool  # connections to the control plane's own tables
    reads: BatchedReads  # reads of single rows of them that share queries
    server: Server  # the PostgreSQL server of those tables and of the PostgreSQL tenants
    engines: EngineRegistry
    # This process's number. It changes when the server loses the connection of this process. Another process takes over
    # work that was claimed by a number that is no longer alive.
    lease: ProcessLease
    clock: Clock = field(default_factory=Clock)  # the time, for everything that ages
    notifiers: Notifiers = field(default_factory=Notifiers)  # wake the tasks of this process
    controls: DevControls = field(default_factory=DevControls)  # the settings of the admin API
    # Set when the process begins to stop; waits then return early.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    plans: Plans = field(default_factory=lambda: PLANS)
    dry_run_slots: UserQueue = field(default_factory=UserQueue)  # limits how many dry runs of one user run at a time
    query_answers: Sequence[QueryAnswer] = ()  # the answers of the seed file; those of the admin API are in the store

    @property
    def process_id(self) -> int:
        """Return the number that this process has now."""
        return self.lease.number

    @property
    def pool_size(self) -> int:
        """Return how many databases to have ready. 0 = none is taken from the warm pool either."""
        size = self.controls.pool_size
        return self.settings.pool_size if size is None else size

    @property
    def provision_delay(self) -> float:
        """Return the seconds added to each cold provisioning."""
        seconds = self.controls.provision_delay
        return self.settings.provision_delay if seconds is None else seconds


Worker = Callable[[Services], Awaitable[None]]
"""A background loop; it runs until it is cancelled, and is started again when it raises."""
