"""A vendor whose API the control plane serves beside its own."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.http.context import Operation
from controlplane.http.style import ApiStyle
from controlplane.services import Worker


@dataclass(frozen=True)
class Vendor:
    """An API with its operations and background workers. Its base URL ends in `style.prefix`.

    Attributes:
        style: The form of the API.
        operations: Its operations.
        workers: Its background workers.
        modules: Modules that it needs, from the extra of the vendor's name.
        worker_operations: Operation ids of the fault rules that apply to its workers.
    """

    style: ApiStyle
    operations: tuple[Operation, ...]
    workers: tuple[Worker, ...] = ()
    modules: tuple[str, ...] = ()
    worker_operations: tuple[str, ...] = ()
