"""Polnor's operations and workers."""

from __future__ import annotations

from controlplane.vendors.polnor import audit, endpoints, experiments, jobs, lakehouse, login, machines, runs
from controlplane.vendors.polnor.style import STYLE
from controlplane.vendors.vendor import Vendor

_PARTS = (login, machines, lakehouse, jobs, endpoints, experiments, audit)
VENDOR = Vendor(
    STYLE,
    tuple(each for part in _PARTS for each in part.OPERATIONS),
    (runs.run_worker, runs.cleanup_worker),
    modules=("duckdb", "pyiceberg", "pyarrow", "sqlglot"),
)
