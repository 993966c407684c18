"""What a room of the control plane may use: the store, the database server, the clock, the bells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from controlplane.clock import Clock, SystemClock
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
    """One bell for each kind of news; ring it after the commit, never before.

    jobs: instances are to be made. creations: databases wait for their blueprints. pool: an instance was taken from it.
    databases: one has another status. deletions: one was deleted.
    """

    jobs: Notifier = field(default_factory=Notifier)
    creations: Notifier = field(default_factory=Notifier)
    pool: Notifier = field(default_factory=Notifier)
    databases: KeyedNotifier = field(default_factory=KeyedNotifier)
    deletions: Notifier = field(default_factory=Notifier)
    applications: Notifier = field(default_factory=Notifier)
    deliveries: Notifier = field(default_factory=Notifier)
    quotas: Notifier = field(default_factory=Notifier)

    def notify_all(self) -> None:
        """For news that concern everyone, such as another time."""
        for bell in vars(self).values():
            bell.notify()


@dataclass(frozen=True)
class Services:
    """The parts shared by all requests and background workers of one process.

    presence: this process's number, which changes when the server loses sight of us; work claimed by a number that
    does not live can be taken over.
    controls: what the admin API has set.
    stopping: set when the process was asked to end; waits return early then.
    plans: what can be ordered. turns: of users whose SQL is rehearsed.
    query_answers: those of the seed file; the admin API's are in the store.
    """

    settings: Settings
    pool: Pool
    server: Server
    engines: EngineRegistry
    lease: ProcessLease
    clock: Clock = field(default_factory=SystemClock)
    notifiers: Notifiers = field(default_factory=Notifiers)
    controls: DevControls = field(default_factory=DevControls)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    plans: Plans = field(default_factory=lambda: PLANS)
    turns: UserQueue = field(default_factory=UserQueue)
    query_answers: Sequence[QueryAnswer] = ()

    @property
    def process_id(self) -> int:
        """The number that this process has now."""
        return self.lease.number

    @property
    def pool_size(self) -> int:
        """How many databases to keep ready; 0 = none is taken from the pool either."""
        wanted = self.controls.pool_size
        return self.settings.pool_size if wanted is None else wanted

    @property
    def provision_delay(self) -> float:
        """Seconds added to each cold provisioning."""
        wanted = self.controls.provision_delay
        return self.settings.provision_delay if wanted is None else wanted


Worker = Callable[[Services], Awaitable[None]]
"""A background loop; it runs until it is cancelled, and is started again when it raises."""
