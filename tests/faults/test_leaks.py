"""The scanner that searches what the suites leave: it must find what it looks for."""

from __future__ import annotations

import zipfile
from pathlib import Path

from support.control_plane import ControlPlane, create_database, delete_all
from support.leaks import leaks
from support.server_admin import STATE_FILE


def test_a_secret_is_found_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "run.log").write_bytes(b"\xff password: S3CRET")
    (tmp_path / "terraform.tfstate.backup").write_text("S3CRET")
    with zipfile.ZipFile(tmp_path / "tfplan", "w", zipfile.ZIP_DEFLATED) as plan:
        plan.writestr("tfconfig/m-/main.tf", "S3CRET" * 50)
        plan.writestr("tfplan", "S3CRET, and a KEY")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / STATE_FILE).write_text("KEY S3CRET")
    assert sorted(leaks(tmp_path, {"KEY"}, {"S3CRET"})) == ["run.log", "tfplan!tfconfig/m-/main.tf", "tfplan!tfplan"]


def test_a_control_plane_that_has_ended_is_remembered() -> None:
    with ControlPlane("--ephemeral", "--pool-size", "1") as plane, plane.client() as api:
        uuid = create_database(api)["uuid"]
        password = api.get(f"/databases/{uuid}").json()["data"]["db_password"]
        delete_all(api, [uuid])
    assert plane.api_key in ControlPlane.keys
    assert password in ControlPlane.secrets
