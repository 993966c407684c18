"""The blocks of docs/control-plane.md, run as they are written."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

from support.control_plane import ControlPlane, create_database, new_key
from support.readme import ROOT, Session, blocks

PAGE = ROOT / "docs" / "control-plane.md"


def test_the_samples_of_the_admin_api(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with ControlPlane("--ephemeral", "--rate-limit", "0") as plane:
        with plane.client() as api:
            database = create_database(api)["uuid"]
            api.delete(f"/databases/{database}", headers=new_key()).raise_for_status()
        connection = {
            "POLYKOMOS_BASE_URL": plane.base_url,
            "POLYKOMOS_API_KEY": plane.api_key,
            "POLYKOMOS_ADMIN_TOKEN": plane.admin_token,
            "UUID": database,
        }
        with Session(tmp_path / "work", connection) as shell:
            _helper, *samples, inbox = [each for each in blocks(PAGE, "The admin API") if each.language == "sh"]
            shell.follow([_helper])
            for sample in samples:
                shell.follow([sample])
            (printed,) = shell.follow([inbox])
            first, inbox_reply, *_ = [line for line in printed.splitlines() if line]
            endpoint = json.loads(first)
            assert endpoint["data"]["url"].endswith("/_polykomos/inbox/mine")
            assert inbox_reply == "[]"
            with plane.client() as api:
                api.post(f"/webhook_endpoints/{endpoint['data']['id']}/test_deliveries").raise_for_status()
            assert "ping" in shell.run("polykomos_admin GET /inbox/mine")


def test_the_first_commands_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    session = Session(tmp_path / "work", {}, POLYKOMOS_DEV_PORT=port)
    try:
        with session as shell:
            shell.follow(blocks(PAGE)[:1])
            shell.run(
                'curl -sS --fail "$POLYKOMOS_BASE_URL/me" -H "Authorization: Bearer $POLYKOMOS_API_KEY" > me.json'
            )
            shell.run('test -n "$POLYKOMOS_ADMIN_TOKEN"')
    finally:
        subprocess.run(["polykomos", "dev", "--stop"], env=session.env, check=True)
