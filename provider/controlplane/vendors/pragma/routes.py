"""Pragma's operations."""

from __future__ import annotations

import email.parser
import email.policy
import re
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from controlplane.db.pool import Row
from controlplane.http.context import Operation, RawBody, RequestContext
from controlplane.http.errors import ApiError, invalid_field, missing_field
from controlplane.http.responses import ApiResponse, format_z
from controlplane.http.validation import Body
from controlplane.vendors.pragma import store
from controlplane.vendors.pragma.style import STYLE, WHOLE
from controlplane.vendors.pragma.worker import build_worker, resource_worker
from controlplane.vendors.vendor import Vendor

_JOB: Final = re.compile(r"build-(?P<provider>.+)-(?P<number>[0-9]{1,9})")
Part = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


class Apply(Body):
    """The request of an apply."""

    provider: Part
    resource: Part
    name: Part
    config: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    lifecycle_state: Literal["draft", "pending"] = "draft"


async def apply(call: RequestContext) -> ApiResponse:
    """Create or change a resource.

    Raises:
        ApiError: 409, it is pending or processing, or its id is another resource's; 422, a field is wrong.
    """
    args = call.parse(Apply)
    id_ = f"resource:{args.provider}_{args.resource}_{args.name}"
    row = await store.find(call.conn, call.principal, id_, lock=True)
    if row is not None:
        _check_not_frozen(row)
        if (row["provider"], row["resource"], row["name"]) != (args.provider, args.resource, args.name):
            raise ApiError(409, "conflict", f"The id {id_} belongs to another resource")
    applied = await store.upsert(call.conn, call.principal, {"id": id_, **args.model_dump()}, call.now)
    call.after_commit(call.services.notifiers.vendor_jobs.notify)
    return ApiResponse(201 if row is None else 200, _view(applied))


async def list_resources(call: RequestContext) -> ApiResponse:
    """Return the resources by provider, type and tags, as an array."""
    tags = call.query.getlist("tags")
    rows = await store.list_resources(
        call.conn, call.principal, call.query.get("provider"), call.query.get("resource"), tags
    )
    return ApiResponse(200, {WHOLE: [_view(row) for row in rows]})


async def get_resource(call: RequestContext) -> ApiResponse:
    """Return a resource; 404 if there is none."""
    return ApiResponse(200, _view(await _find(call)))


async def delete_resource(call: RequestContext) -> ApiResponse:
    """Delete a resource; 404 if there is none, 409 if it is pending or processing."""
    _check_not_frozen(await _find(call))
    await store.delete(call.conn, call.principal, call.path_parameters["id"])
    return ApiResponse(204, {})


async def list_dead_letters(call: RequestContext) -> ApiResponse:
    """Return the events that could not be processed, as an array."""
    rows = await store.list_dead_letters(call.conn, call.principal, call.query.get("provider"))
    fields = ("provider", "resource_type", "resource_name", "event_type", "error_message", "attempt_count")
    letters = [
        {
            "event_id": f"evt_{row['id']}",
            **{name: row[name] for name in fields},
            "failed_at": format_z(row["failed_at"]),
        }
        for row in rows
    ]
    return ApiResponse(200, {WHOLE: letters})


async def push(call: RequestContext) -> ApiResponse:
    """Store an upload and start its build; 422 without the file `code`."""
    assert isinstance(call.body, RawBody)
    code = _file(call.body, "code")
    if code is None:
        raise missing_field("code")
    if not code:
        raise invalid_field("code", "must not be empty")
    row = await store.insert_build(call.conn, call.principal, call.path_parameters["provider"], code, call.now)
    call.after_commit(call.services.notifiers.vendor_jobs.notify)
    return ApiResponse(202, {**_build(row), "message": "Build job created"})


async def get_build(call: RequestContext) -> ApiResponse:
    """Return a build; 404 if there is none."""
    job, provider = call.path_parameters["job"], call.path_parameters["provider"]
    match = _JOB.fullmatch(job)
    row = None
    if match is not None and match["provider"] == provider:
        row = await store.find_build(call.conn, call.principal, provider, int(match["number"]))
    if row is None:
        raise ApiError(404, "not_found", f"Build job not found: {job}")
    return ApiResponse(200, _build(row))


def _file(body: RawBody, field: str) -> bytes | None:
    """Return the file of a multipart body, or None."""
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body.content)
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == field:
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else None
    return None


async def _find(call: RequestContext) -> Row:
    id_ = call.path_parameters["id"]
    row = await store.find(call.conn, call.principal, id_, lock=call.operation.method != "GET")
    if row is None:
        raise ApiError(404, "not_found", f"Resource not found: {id_}")
    return row


def _check_not_frozen(row: Row) -> None:
    if row["lifecycle_state"] in store.FROZEN:
        raise ApiError(409, "conflict", "Resource is currently being processed and cannot be modified")


def _view(row: Row) -> dict[str, Any]:
    same = ("id", "provider", "resource", "name", "lifecycle_state", "config", "tags", "outputs", "error")
    times = {name: format_z(row[name]) for name in ("created_at", "updated_at")}
    return {**{name: row[name] for name in same}, **times}


def _build(row: Row) -> dict[str, Any]:
    return {
        "job_name": f"build-{row['provider']}-{row['version']}",
        "version": str(row["version"]),
        "status": row["status"],
        "error_message": row["error_message"],
    }


_READ, _WRITE = ("databases:read",), ("databases:write",)

VENDOR = Vendor(
    STYLE,
    (
        Operation("GET", "/resources/", "pragmaListResources", _READ, list_resources),
        Operation("POST", "/resources/apply", "pragmaApplyResource", _WRITE, apply, has_body=True),
        Operation("GET", "/resources/{id}", "pragmaGetResource", _READ, get_resource),
        Operation("DELETE", "/resources/{id}", "pragmaDeleteResource", _WRITE, delete_resource),
        Operation("GET", "/ops/dead-letter", "pragmaListDeadLetters", _READ, list_dead_letters),
        Operation("POST", "/providers/{provider}/push", "pragmaPushCode", _WRITE, push, has_raw_body=True),
        Operation("GET", "/providers/{provider}/builds/{job}", "pragmaGetBuild", _READ, get_build),
    ),
    (resource_worker, build_worker),
    worker_operations=("pragmaProcess", "pragmaBuild"),
)
