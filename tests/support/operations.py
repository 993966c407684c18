"""The 22 operations of the published API as a client knows them (api-facts, "Endpoints")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from support.control_plane import new_key

ABSENT_UUID = "00000000-0000-4000-8000-000000000000"
ABSENT_ID = "2000000000"


@dataclass(frozen=True)
class Operation:
    """One operation. `path` has {uuid} or {id} where it names an object; `body` is a valid one."""

    name: str
    method: str
    path: str
    scopes: tuple[str, ...] = ()
    idempotent: bool = False
    body: dict[str, Any] | None = field(default=None, hash=False)

    def __str__(self) -> str:
        return self.name

    @property
    def has_path_id(self) -> bool:
        return "{" in self.path

    @property
    def is_list(self) -> bool:
        return self.name.startswith("list")

    def url(self, target: object = None) -> str:
        """The path with its object; by default one that nobody has."""
        found = {"uuid": target or ABSENT_UUID, "id": target or ABSENT_ID}
        return self.path.format(**found)

    def call(self, client: httpx.Client, target: object = None, **options: Any) -> httpx.Response:
        """Send it with a valid body and a fresh key; `options` go to httpx and win."""
        headers = {**(new_key() if self.idempotent else {}), **options.pop("headers", {})}
        if self.body is not None and not options.keys() & {"json", "content"}:
            options["json"] = self.body
        return client.request(self.method, self.url(target), headers=headers, **options)


_R, _W = "databases:read", "databases:write"
_BR, _BW = "blueprints:read", "blueprints:write"
_WR, _WW = "webhooks:read", "webhooks:write"
_SQL = {"sql_content": "CREATE TABLE t (i int);"}
_ASK = {"database_uuid": ABSENT_UUID, "query": "list tables"}
_HOOK = {"url": "http://127.0.0.1:9/hook"}

OPERATIONS = (
    Operation("getMe", "GET", "/me"),
    Operation("getDatabaseTypes", "GET", "/database_types", (_R,)),
    Operation("listDatabases", "GET", "/databases", (_R,)),
    Operation("createDatabase", "POST", "/databases", (_W,), True, {"name": "orders"}),
    Operation("getDatabase", "GET", "/databases/{uuid}", (_R,)),
    Operation("updateDatabase", "PATCH", "/databases/{uuid}", (_W,), True, {"name": "renamed"}),
    Operation("updateDatabaseQuotas", "PATCH", "/databases/{uuid}/quotas", (_W,), True, {"warning_threshold_pct": 70}),
    Operation("deleteDatabase", "DELETE", "/databases/{uuid}", (_W,), True),
    Operation(
        "createDatabaseBlueprintApplication",
        "POST",
        "/databases/{uuid}/blueprint_applications",
        (_W, _BR),
        True,
        {"blueprint_uuid": ABSENT_UUID},
    ),
    Operation("createQueryExecution", "POST", "/query_executions", ("queries:write",), body=_ASK),
    Operation("listWebhookEndpoints", "GET", "/webhook_endpoints", (_WR,)),
    Operation("createWebhookEndpoint", "POST", "/webhook_endpoints", (_WW,), True, _HOOK),
    Operation("revokeWebhookEndpoint", "DELETE", "/webhook_endpoints/{id}", (_WW,), True),
    Operation("createWebhookTestDelivery", "POST", "/webhook_endpoints/{id}/test_deliveries", (_WW,)),
    Operation("listWebhookDeliveries", "GET", "/webhook_endpoints/{id}/deliveries", (_WR,)),
    Operation("listBlueprints", "GET", "/blueprints", (_BR,)),
    Operation("createBlueprint", "POST", "/blueprints", (_BW,), True, {"name": "Blue", **_SQL}),
    Operation("getBlueprint", "GET", "/blueprints/{uuid}", (_BR,)),
    Operation("updateBlueprint", "PATCH", "/blueprints/{uuid}", (_BW,), body={"description": "changed"}),
    Operation("deleteBlueprint", "DELETE", "/blueprints/{uuid}", (_BW,)),
    Operation("createBlueprintValidation", "POST", "/blueprint_validations", (_BR,), body=_SQL),
    Operation("getBlueprintApplication", "GET", "/blueprint_applications/{id}", (_BR,)),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
IDEMPOTENT = tuple(operation for operation in OPERATIONS if operation.idempotent)
WITH_BODY = tuple(operation for operation in OPERATIONS if operation.body is not None)
WITH_PATH_ID = tuple(operation for operation in OPERATIONS if operation.has_path_id)
LISTS = tuple(operation for operation in OPERATIONS if operation.is_list)

_LISTINGS = ("/databases", "/blueprints", "/webhook_endpoints")


def everything(client: httpx.Client) -> dict[str, list[dict[str, Any]]]:
    """Every object that the caller can list: equal before and after a call that must change nothing.

    Without the times of deliveries, which go on in the background.
    """
    found = {path: list_all(client, path) for path in _LISTINGS}
    for endpoint in found["/webhook_endpoints"]:
        del endpoint["last_success_at"], endpoint["last_failure_at"]
    return found


def revoke_endpoints(client: httpx.Client) -> None:
    """So that later events are not sent anywhere."""
    for endpoint in list_all(client, "/webhook_endpoints"):
        if endpoint["status"] == "active":
            reply = BY_NAME["revokeWebhookEndpoint"].call(client, endpoint["id"])
            assert reply.status_code == 200, reply.text


def list_all(client: httpx.Client, path: str, limit: int = 100) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": id_of(found[-1])} if found else {}
        reply = client.get(path, params={"limit": limit, **after})
        assert reply.status_code == 200, reply.text
        page = reply.json()
        found += page["data"]
        assert len({id_of(item) for item in found}) == len(found), "an item is on two pages"
        if not page["has_more"]:
            return found
        assert page["data"], "has_more on an empty page"


def id_of(item: dict[str, Any]) -> str:
    return str(item.get("uuid") or item["id"])


def error_of(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The details of the error, after a look at its whole envelope (api-facts "Errors", C14)."""
    assert reply.status_code == status, reply.text
    check_envelope(reply)
    body = reply.json()
    assert body.keys() == {"error", "request_id"}
    error = body["error"]
    assert error.keys() == {"code", "message", "details"}
    assert error["code"] == code, reply.text
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["details"], dict)
    details: dict[str, Any] = error["details"]
    return details


def check_envelope(reply: httpx.Response) -> None:
    """JSON, and the request id both in the body and in the header (C22)."""
    assert reply.headers["Content-Type"].split(";")[0] == "application/json"
    request_id = reply.json()["request_id"]
    assert request_id == reply.headers["X-Request-Id"]
    assert request_id.startswith("req_")
    int(request_id.removeprefix("req_"), 16)
    assert len(request_id) == 24
