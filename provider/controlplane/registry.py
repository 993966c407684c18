"""The operations and background workers of all packages of the control plane."""

from __future__ import annotations

from collections.abc import Mapping

from controlplane.account.routes import OPERATIONS as ACCOUNT
from controlplane.blueprints import initial_blueprint
from controlplane.blueprints.routes import OPERATIONS as BLUEPRINTS
from controlplane.blueprints.routes import WORKERS as BLUEPRINT_WORKERS
from controlplane.databases import routes as databases
from controlplane.http.context import Operation
from controlplane.queries.routes import OPERATIONS as QUERIES
from controlplane.queries.routes import WORKERS as QUERY_WORKERS
from controlplane.services import Worker
from controlplane.settings import Settings
from controlplane.snapshots.cleanup import WORKERS as SNAPSHOT_WORKERS
from controlplane.vendors.polnor import routes as polnor
from controlplane.vendors.polytomic import routes as polytomic
from controlplane.vendors.pragma import routes as pragma
from controlplane.vendors.vendor import Vendor
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

VENDORS: Mapping[str, Vendor] = {"polnor": polnor.VENDOR, "polytomic": polytomic.VENDOR, "pragma": pragma.VENDOR}

OPERATION_IDS: tuple[str, ...] = (
    *(operation.operation_id for operation in OPERATIONS),
    *(operation.operation_id for vendor in VENDORS.values() for operation in vendor.operations),
    *(name for vendor in VENDORS.values() for name in vendor.worker_operations),
)


def vendors(settings: Settings) -> list[Vendor]:
    """Return the further vendors whose APIs are served."""
    return [VENDORS[name] for name in settings.vendors]


def workers(settings: Settings) -> list[Worker]:
    """Return the background workers of all served APIs."""
    return [*WORKERS, *(worker for vendor in vendors(settings) for worker in vendor.workers)]
