"""A look behind the API: the control plane's own PostgreSQL, as its superuser."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg

from controlplane.postgres.cluster import SUPERUSER
from support.control_plane import ControlPlane


def connect(plane: ControlPlane, port: int) -> psycopg.Connection:
    """An autocommit connection to the control plane's tables. port: the databases' own, as the API shows it."""
    directory = Path(plane.arguments[plane.arguments.index("--data-dir") + 1])
    found = json.loads((directory / "control-plane.json").read_text())
    password = next(value for name, value in found.items() if "password" in name)
    where = {"host": "127.0.0.1", "port": port, "user": SUPERUSER, "password": password}
    return psycopg.connect(dbname="polykomos_control", autocommit=True, **where)
