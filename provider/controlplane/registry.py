"""The operations and background workers of all packages of the control plane."""

from __future__ import annotations

from controlplane.account.routes import OPERATIONS as ACCOUNT
from controlplane.blueprints import initial_blueprint
from controlplane.blueprints.routes import OPERATIONS as BLUEPRINTS
from controlplane.blueprints.routes import WORKERS as BLUEPRINT_WORKERS
from controlplane.databases import routes as databases
from controlplane.http.context import Operation
from controlplane.queries.routes import OPERATIONS as QUERIES
from controlplane.queries.routes import WORKERS as QUERY_WORKERS
from controlplane.services import Worker
from controlplane.snapshots.cleanup import WORKERS as SNAPSHOT_WORKERS
from controlplane.webhooks.routes import OPERATIONS as WEBHOOKS
from controlplane.webhooks.routes import WORKERS as WEBHOOK_WORKERS

OPERATIONS: tuple[Operation, ...] = (
    *ACCOUNT,
    *databases.operations(initial_blueprint.queue),
    *BLUEPRINTS,
    *WEBHOOKS,
    *QUERIES,
)
WORKERS: tuple[Worker, ...] = (
    *databases.workers(initial_blueprint.apply),
    *BLUEPRINT_WORKERS,
    *WEBHOOK_WORKERS,
    *QUERY_WORKERS,
    *SNAPSHOT_WORKERS,
)
