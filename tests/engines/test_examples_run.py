"""The steps of each example's README, run as they are written there, against a control plane of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import ControlPlane
from support.readme import Session, blocks, copied

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2") as running:
        yield running


def session(example: str, directory: Path, plane: ControlPlane) -> Session:
    connection = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
    return Session(copied(example, directory), connection)


def objects(plane: ControlPlane) -> dict[str, list[dict[str, Any]]]:
    """What is there, without what is each run's own."""
    own = {"uuid", "id", "db_password", "connection_string", "port", "created_at", "updated_at", "last_success_at"}
    with plane.client() as api:
        return {
            path: [
                {key: value for key, value in each.items() if key not in own}
                for each in api.get(path).json()["data"]
                if not each.get("is_system_blueprint")
            ]
            for path in ("/databases", "/blueprints", "/webhook_endpoints")
        }


NOTHING = {"/databases": [], "/blueprints": [], "/webhook_endpoints": []}
