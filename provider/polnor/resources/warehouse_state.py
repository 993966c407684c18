"""The `WarehouseState` resource: a SQL warehouse runs. The API lists warehouses and starts them, no more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from resourcekit.context import Context
from resourcekit.declaration import Timeouts
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Computed, RequiresReplace, Result, Validator
from resourcekit.http.errors import ConflictError
from resourcekit.http_resource import wait_until
from resourcekit.resource import Resource

if TYPE_CHECKING:
    from polnor.api import Client
    from polnor.models import Warehouse

RUNNING: Final = "running"


class WarehouseStateArgs(Arguments):
    """The arguments of a warehouse's state."""

    warehouse_id: Annotated[str, RequiresReplace()] = Field(description="Id of the warehouse, such as `wh_4a2b`.")
    state: Annotated[str, Validator(lambda value: value == RUNNING, f"must be `{RUNNING}`: the API only starts")] = (
        Field(description="`running`, the only state that the API can bring about.")
    )


class WarehouseStateState(WarehouseStateArgs, Result):
    """A warehouse's state as the API lists it."""

    name: Annotated[str | None, Computed()] = Field(None, description="Name of the warehouse.")
    status: Annotated[str | None, Computed()] = Field(
        None, description="`stopped`, `starting`, `running` or `stopping`."
    )


class WarehouseState(Resource[WarehouseStateArgs, WarehouseStateState, "Client"]):
    """A SQL warehouse that runs.

    A start takes about three minutes; an interrupted wait is resumed by the next run. The API can neither create, stop
    nor delete a warehouse: `destroy` removes it from the state only, with a message. A warehouse that has stopped by
    itself is started again by the next run.
    """

    name = "WarehouseState"
    import_id = "the id of the warehouse"
    cannot_delete = "the warehouse goes on running, because the API cannot stop it"
    timeouts = Timeouts(create=900, update=900)

    def create(self, args: WarehouseStateArgs, ctx: Context[Client]) -> tuple[str, WarehouseStateState]:
        """Start the warehouse."""
        ctx.checkpoint(args.warehouse_id, _state(_find(args.warehouse_id, ctx)))
        return args.warehouse_id, self._start(args.warehouse_id, ctx)

    def read(self, id: str, prior: WarehouseStateState | None, ctx: Context[Client]) -> WarehouseStateState | None:
        """Read the warehouse from the list."""
        found = ctx.api.find_warehouse(id)
        return None if found is None else _state(found)

    def update(
        self,
        id: str,
        args: WarehouseStateArgs,
        prior: WarehouseStateState,
        changed: frozenset[str],
        ctx: Context[Client],
    ) -> WarehouseStateState:
        """Start the warehouse, or resume the wait for it."""
        return self._start(id, ctx)

    def is_incomplete(self, prior: WarehouseStateState) -> bool:
        """Return whether the warehouse was starting when an earlier run ended."""
        return prior.status in ("starting", "stopping")

    def _start(self, id: str, ctx: Context[Client]) -> WarehouseStateState:
        def step() -> Warehouse:
            """Read the warehouse, and start it where it neither runs nor is on its way."""
            found = _find(id, ctx)
            if found.state not in (RUNNING, "starting", "stopping"):
                # A conflict means that it has left that state since: the next read shows where it goes.
                with contextlib.suppress(ConflictError):
                    ctx.api.start_warehouse(id)
            return found

        return _state(
            wait_until(
                ctx,
                step,
                lambda each: each.state == RUNNING,
                what=f"warehouse {id} is not running yet",
                progress="starting, about three minutes",
                found=step(),
            )
        )


def _find(id: str, ctx: Context[Client]) -> Warehouse:
    found = ctx.api.find_warehouse(id)
    if found is None:
        raise ResourceError(f"there is no warehouse {id!r} in this workspace", property="warehouse_id")
    return found


def _state(found: Warehouse) -> WarehouseStateState:
    return WarehouseStateState.model_construct(
        warehouse_id=found.id,
        state=RUNNING if found.state in (RUNNING, "starting") else found.state,
        name=found.name,
        status=found.state,
    )
