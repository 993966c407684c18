"""A Pulumi program with a dynamic provider, written the usual way: one call for each operation."""

from __future__ import annotations

import os
import sys
import uuid
from typing import Any

import httpx
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

# Pulumi's pickling of a provider goes one call deeper for each resource: without this, 310 of them are too many.
sys.setrecursionlimit(1_000_000)


class BlueprintProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        headers = {"Authorization": f"Bearer {os.environ['POLYKOMOS_API_KEY']}", "Idempotency-Key": str(uuid.uuid4())}
        body = {"name": props["name"], "sql_content": props["sql_content"]}
        reply = httpx.post(f"{os.environ['POLYKOMOS_BASE_URL']}/blueprints", json=body, headers=headers)
        reply.raise_for_status()
        return CreateResult(reply.json()["data"]["uuid"], props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=any(olds.get(name) != news[name] for name in ("name", "sql_content")))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        headers = {"Authorization": f"Bearer {os.environ['POLYKOMOS_API_KEY']}"}
        reply = httpx.get(f"{os.environ['POLYKOMOS_BASE_URL']}/blueprints/{id_}", headers=headers)
        reply.raise_for_status()
        found = reply.json()["data"]
        return ReadResult(id_, {**props, "name": found["name"], "sql_content": found["sql_content"]})

    def delete(self, id_: str, _props: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {os.environ['POLYKOMOS_API_KEY']}"}
        httpx.delete(f"{os.environ['POLYKOMOS_BASE_URL']}/blueprints/{id_}", headers=headers).raise_for_status()


class Blueprint(Resource):
    def __init__(self, name: str, sql_content: str) -> None:
        super().__init__(BlueprintProvider(), name, {"name": name, "sql_content": sql_content})


for number in range(int(pulumi.Config().require("count"))):
    Blueprint(f"dynamic-{number}", f"SELECT {number}")
