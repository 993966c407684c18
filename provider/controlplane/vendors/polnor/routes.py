"""Polnor's operations and workers."""

from __future__ import annotations

from controlplane.vendors.polnor import audit, jobs, machines, runs, tracking
from controlplane.vendors.polnor.style import STYLE
from controlplane.vendors.vendor import Vendor

VENDOR = Vendor(
    STYLE,
    (*machines.OPERATIONS, *jobs.OPERATIONS, *tracking.OPERATIONS, *audit.OPERATIONS),
    (runs.run_worker, runs.cleanup_worker),
)
