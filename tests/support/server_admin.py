"""A look behind the API: the control plane's own servers, as their administrator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pymysql

from controlplane.engines.mysql.server import ADMIN
from controlplane.engines.naming import role_name
from controlplane.engines.postgres.cluster import SUPERUSER
from controlplane.engines.postgres.tenants import unassigned_name

if TYPE_CHECKING:
    from support.control_plane import ControlPlane

STATE_FILE = "control-plane.json"  # in every directory of a control plane
OWN_DATABASES = {"polykomos_control", "polykomos_scratch", "polykomos_template", "postgres", "template0", "template1"}


def connect(plane: ControlPlane) -> psycopg.Connection:
    """An autocommit connection to the control plane's tables, which are on the server that it started."""
    return psycopg.connect(url(plane), autocommit=True)


def next_instance(conn: psycopg.Connection) -> int:
    """The number that the next new database gets."""
    row = conn.execute("SELECT last_value + is_called::int FROM instance_numbers").fetchone()
    assert row is not None
    return int(row[0])


def url(plane: ControlPlane) -> str:
    """What another process takes as --database-url."""
    state = _state(plane)
    return f"postgresql://{SUPERUSER}:{state['postgres_password']}@127.0.0.1:{state['postgres_port']}/polykomos_control"


def connect_mysql(plane: ControlPlane, port: int) -> pymysql.Connection:
    """An autocommit connection to the MariaDB server as its administrator."""
    password = _state(plane)["mariadb_password"]
    return pymysql.connect(host="127.0.0.1", port=port, user=ADMIN, password=password, autocommit=True)


def secrets(plane: ControlPlane) -> set[str]:
    """Every secret that the control plane has given out, the keys left out: of databases and endpoints that are gone,
    too. None of one that keeps its tables on another's server.
    """
    if "--database-url" in plane.arguments:
        return set()
    with connect(plane) as conn:
        found = conn.execute("SELECT db_password FROM databases UNION SELECT secret FROM webhook_endpoints").fetchall()
    return {row[0] for row in found}


def unaccounted(plane: ControlPlane) -> set[str]:
    """Roles and databases of the PostgreSQL server that are nobody's, or are missing there."""
    with connect(plane) as conn:
        rows = conn.execute(
            "SELECT id, db_name, is_assigned FROM databases WHERE db_type = 'postgres' AND destroyed_at IS NULL"
            " UNION SELECT id, NULL, false FROM pool_instances WHERE db_type = 'postgres'"
        ).fetchall()
        databases = {row[0] for row in conn.execute("SELECT datname FROM pg_database")}
        roles = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^u[0-9]+$'")}
    named = {name if is_assigned else unassigned_name(number) for number, name, is_assigned in rows}
    return (databases - OWN_DATABASES) ^ named | roles ^ {role_name(number) for number, _, _ in rows}


def _state(plane: ControlPlane) -> dict[str, str]:
    if "--data-dir" in plane.arguments:
        directory = Path(plane.arguments[plane.arguments.index("--data-dir") + 1])
    else:
        directory = _ephemeral(plane.pid)
    found: dict[str, str] = json.loads((directory / STATE_FILE).read_text())
    return found


def _ephemeral(pid: int) -> Path:
    """The directory that nobody was told of, by where the PostgreSQL server in it runs."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                where = (entry / "cwd").readlink()
                if where.parts[-2:] == ("postgres", "data"):
                    return where.parents[1]
        except OSError:
            continue
    raise LookupError("no PostgreSQL server of this control plane")
