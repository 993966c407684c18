"""Metrics of experiments, and places for their artifacts."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from pydantic import Field

from controlplane.http.context import Operation, RequestContext
from controlplane.http.responses import ApiResponse, format_z
from controlplane.http.validation import Body, NonEmptyText
from controlplane.vendors.polnor.style import page

_UPLOAD_LIFETIME: Final = timedelta(minutes=15)


class Metric(Body):
    """A value of a metric."""

    key: NonEmptyText
    value: float
    step: int | None = None


class Metrics(Body):
    """The body of a batch. The page shows no name for the list."""

    metrics: list[Metric] = Field(min_length=1, max_length=1000)


class Artifact(Body):
    """The body of a request for an upload URL."""

    path: NonEmptyText


async def log_metric(call: RequestContext) -> ApiResponse:
    """Log one value."""
    await _store(call, [call.parse(Metric)])
    return ApiResponse(201, {"logged": 1})


async def log_metrics(call: RequestContext) -> ApiResponse:
    """Log several values: all or none."""
    metrics = call.parse(Metrics).metrics
    await _store(call, metrics)
    return ApiResponse(201, {"logged": len(metrics)})


async def _store(call: RequestContext, metrics: list[Metric]) -> None:
    path = call.path_parameters
    for metric in metrics:
        await call.conn.execute(
            "INSERT INTO polnor_metrics (team_id, experiment, run, key, value, step, logged_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (call.principal.primary_team_id, path["id"], path["run"], metric.key, metric.value, metric.step, call.now),
        )


async def metric_history(call: RequestContext) -> ApiResponse:
    """Answer with the values of a metric by step."""
    path = call.path_parameters
    rows = await call.conn.fetch_all(
        "SELECT step, value, logged_at FROM polnor_metrics WHERE team_id = %s AND experiment = %s AND run = %s"
        " AND key = %s ORDER BY step NULLS FIRST, logged_at",
        (call.principal.primary_team_id, path["id"], path["run"], path["key"]),
    )
    return page(
        call,
        rows,
        lambda row: {"step": row["step"], "value": row["value"], "timestamp": format_z(row["logged_at"])},
    )


async def presign(call: RequestContext) -> ApiResponse:
    """Answer with a URL of an upload. The reference server has no object store: nothing answers at the URL."""
    path = call.path_parameters
    body = call.parse(Artifact)
    key = f"{path['id']}/{path['run']}/{body.path.lstrip('/')}"
    expires = call.now + _UPLOAD_LIFETIME
    url = f"https://artifacts.invalid/{key}?expires={int(expires.timestamp())}&signature={secrets.token_hex(16)}"
    return ApiResponse(200, {"url": url, "expires_at": format_z(expires)})


_RUN = "/experiments/{id}/runs/{run}"
OPERATIONS = (
    Operation("POST", f"{_RUN}/metrics", "polnorLogMetric", (), log_metric, has_body=True),
    Operation("POST", f"{_RUN}/metrics/batch", "polnorLogMetrics", (), log_metrics, has_body=True),
    Operation("GET", f"{_RUN}/metrics/{{key}}", "polnorMetricHistory", (), metric_history),
    Operation("POST", f"{_RUN}/artifacts/presigned-url", "polnorPresignArtifact", (), presign, has_body=True),
)
