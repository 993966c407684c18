"""The rooms of the control plane: what they answer and what they do in the background."""

from __future__ import annotations

from controlplane.account.routes import OPERATIONS as ACCOUNT
from controlplane.databases.routes import OPERATIONS as DATABASES
from controlplane.databases.routes import WORKERS as DATABASE_WORKERS
from controlplane.http.calls import Operation
from controlplane.services import Worker

OPERATIONS: tuple[Operation, ...] = (*ACCOUNT, *DATABASES)
WORKERS: tuple[Worker, ...] = (*DATABASE_WORKERS,)
try:
    from controlplane.blueprints import routes as blueprints
    from controlplane.webhooks import routes as webhooks
except ModuleNotFoundError:
    pass
else:
    OPERATIONS = (*OPERATIONS, *blueprints.OPERATIONS, *webhooks.OPERATIONS)
    WORKERS = (*WORKERS, *blueprints.WORKERS, *webhooks.WORKERS)
