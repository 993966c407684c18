"""The provider's settings as users give them: keys from files, variables of proxies, addresses of this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import server_admin
from support.control_plane import SCOPE_KEYS, ControlPlane
from support.pulumi import Stack
from support.terraform import Workspace

POLYKOMOS = Path(sys.executable).with_name("polykomos")
NO_PROXY = "localhost,127.0.0.1,[::1]"
ACCOUNT = 'data "polykomos_account" "me" {}\noutput "key" { value = data.polykomos_account.me.key_preview }\n'


def doctor(env: dict[str, str]) -> str:
    """What it prints; whether the engines are in place is of no interest here."""
    done = subprocess.run([str(POLYKOMOS), "doctor"], env=env, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr
    return done.stdout


def test_an_ipv6_entry_of_no_proxy_stops_no_command(started_workspace: Workspace) -> None:
    workspace = started_workspace
    workspace.write(ACCOUNT)
    workspace.env["NO_PROXY"] = NO_PROXY
    workspace.apply()
    # The control plane is on this machine: no proxy is asked, not even one that is not there.
    workspace.apply(HTTP_PROXY="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="[::1")


def test_an_ipv6_entry_of_no_proxy_stops_no_stack(new_stack: Callable[..., Stack], connection: dict[str, str]) -> None:
    stack = new_stack({**connection, "NO_PROXY": NO_PROXY})
    stack.write({"d": ("WebhookEndpoint", {"url": "https://hooks.example.com/proxied"})})
    stack.up()
    stack.destroy(HTTP_PROXY="ftp://u:hunter2@nowhere", NO_PROXY="[::1,,::1]")


def test_a_faulty_variable_is_named_by_itself_to_an_engine(started_workspace: Workspace) -> None:
    workspace = started_workspace
    workspace.write(ACCOUNT)
    base_url = "https://polykomos.invalid/api/v1"
    told = workspace.plan(ok=False, POLYKOMOS_BASE_URL=base_url, HTTPS_PROXY="ftp://u:hunter2@p").output
    assert "the proxy of HTTPS_PROXY cannot be used" in told
    assert "hunter2" not in told
    assert "NO_PROXY" not in told
    told = workspace.plan(ok=False, POLYKOMOS_BASE_URL=base_url, SSL_CERT_FILE="/nowhere.pem").output
    assert "the CA bundle of SSL_CERT_FILE, /nowhere.pem," in told
    assert "PROXY" not in told


def test_doctor_shows_which_proxy_applies(connection: dict[str, str], tmp_path: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env = {**plain, **connection}
    assert f"proxy: {connection['POLYKOMOS_BASE_URL']} is reached directly: it is this machine" in doctor(env)
    away = {
        **env,
        "POLYKOMOS_BASE_URL": "https://polykomos.invalid/api/v1",
        "HTTPS_PROXY": "http://u:hunter2@127.0.0.1:9",
    }
    told = doctor(away)
    assert "https://polykomos.invalid/api/v1 is reached through http://127.0.0.1:9 (HTTPS_PROXY)" in told
    assert "hunter2" not in told
    told = doctor({**away, "no_proxy": "[::1,.invalid"})
    assert "is reached directly: no_proxy has the entry .invalid" in told
    assert "the entry '[::1' of no_proxy cannot be read" in told
    assert "HTTPS_PROXY cannot be used" in doctor({**away, "HTTPS_PROXY": "ftp://u:hunter2@p"})


def test_a_key_from_a_file_is_taken_without_its_line_break(
    started_workspace: Workspace, control_plane: ControlPlane
) -> None:
    workspace = started_workspace
    workspace.write(ACCOUNT)
    (workspace.directory / "key.txt").write_text(f"{control_plane.api_key}\n")
    del workspace.env["POLYKOMOS_API_KEY"]
    block = 'provider "polykomos" {{\n  api_key = {key}\n  base_url = "  {url}/\\n"\n}}\n'
    preamble = (workspace.directory / "provider.tf").read_text().replace('provider "polykomos" {}\n', "")
    workspace.write(preamble + block.format(key='file("key.txt")', url=control_plane.base_url), "provider.tf")
    workspace.apply()
    workspace.write(preamble + block.format(key='"pk_live_a b"', url=control_plane.base_url), "provider.tf")
    told = workspace.plan(ok=False).diagnostics
    assert "must not contain spaces or line breaks" in told
    assert "pk_live_a b" not in told
    workspace.write(preamble + 'provider "polykomos" {}\n', "provider.tf")
    workspace.apply(POLYKOMOS_API_KEY=f"{control_plane.api_key}\r\n")
    (workspace.directory / "key.txt").unlink()  # a secret that no test may leave
    told = workspace.plan(ok=False, POLYKOMOS_API_KEY="pk_live_a b").diagnostics
    assert "the value comes from POLYKOMOS_API_KEY" in told


def test_a_key_with_a_line_break_serves_a_stack(new_stack: Callable[..., Stack], control_plane: ControlPlane) -> None:
    stack = new_stack({"POLYKOMOS_BASE_URL": f"{control_plane.base_url}\n"})
    stack.write({"hook": ("WebhookEndpoint", {"url": "https://hooks.example.com/trim"})})
    stack.run("config", "set", "--secret", "polykomos:apiKey", f"{control_plane.api_key}\n")
    stack.up()
    stack.assert_no_changes()
    stack.refresh()
    stack.run("config", "rm", "polykomos:apiKey")
    stack.destroy(POLYKOMOS_API_KEY=f"\ufeff{control_plane.api_key}\n")
    told = stack.up(ok=False, POLYKOMOS_BASE_URL="https://u:hunter2@polykomos.com/api/v1").output
    assert "must not contain a user name or a password" in told
    assert "the value comes from POLYKOMOS_BASE_URL" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(("url", "warned"), [("http://localhost.evil.example:9/api/v1", True), ("", False)])
def test_plain_http_is_warned_of_by_the_parsed_host(
    started_workspace: Workspace, control_plane: ControlPlane, url: str, warned: bool
) -> None:
    workspace = started_workspace
    workspace.write('resource "polykomos_webhook_endpoint" "w" {\n  url = "https://hooks.example.com/x"\n}\n')
    url = url or control_plane.base_url.replace("127.0.0.1", "LOCALHOST")
    told = workspace.plan(POLYKOMOS_BASE_URL=url).diagnostics
    assert ("plain http" in told) is warned


def revoke(plane: ControlPlane, key: str, status: str = "revoked") -> None:
    """As a person does in the dashboard."""
    with server_admin.connect(plane) as connection:
        digest = hashlib.sha256(key.encode()).hexdigest()
        done = connection.execute("UPDATE api_keys SET status = %s WHERE encode(hash, 'hex') = %s", (status, digest))
        assert done.rowcount == 1


def test_a_refused_key_is_named_by_its_source_and_the_way_out(
    new_stack: Callable[..., Stack], control_plane: ControlPlane
) -> None:
    stack = new_stack({"POLYKOMOS_BASE_URL": control_plane.base_url})
    stack.write({"hook": ("WebhookEndpoint", {"url": "https://hooks.example.com/refused"})})
    old = SCOPE_KEYS["webhooks:write"]
    stack.run("config", "set", "--secret", "polykomos:apiKey", control_plane.api_key)
    stack.up()
    stack.run("config", "set", "--secret", "polykomos:apiKey", old)
    stack.preview()
    stack.up()
    revoke(control_plane, old)
    try:
        stack.run("config", "set", "--secret", "polykomos:apiKey", control_plane.api_key)
        for told in (stack.refresh(ok=False).output, stack.destroy(ok=False).output):
            assert "`apiKey` of the provider in the stack's state" in told
            assert "`pulumi up` first" in told
            assert "--run-program" in told
            assert old not in told
        stack.refresh("--run-program")
        stack.run("config", "set", "--secret", "polykomos:apiKey", old)
        stack.write({"hook": ("WebhookEndpoint", {"url": "https://hooks.example.com/refused-2"})})
        told = stack.up(ok=False).output
        assert "The rejected key comes from `apiKey` of the provider (polykomos:apiKey)" in told
        assert "the stack's state" not in told
        stack.run("config", "rm", "polykomos:apiKey")
        told = stack.up(ok=False, POLYKOMOS_API_KEY=old).output
        assert "The rejected key comes from POLYKOMOS_API_KEY" in told
        stack.up(POLYKOMOS_API_KEY=control_plane.api_key)
        stack.destroy(POLYKOMOS_API_KEY=control_plane.api_key)
    finally:
        revoke(control_plane, old, "active")


def test_a_refused_key_is_named_by_its_source_in_a_plan(started_workspace: Workspace) -> None:
    workspace = started_workspace
    workspace.write(ACCOUNT)
    told = workspace.plan(ok=False, POLYKOMOS_API_KEY="pk_live_of_nobody").diagnostics
    assert "The rejected key comes from POLYKOMOS_API_KEY" in told
    text = (workspace.directory / "provider.tf").read_text()
    workspace.write(text.replace("{}", '{\n  api_key = "pk_live_of_nobody"\n}'), "provider.tf")
    told = workspace.plan(ok=False).diagnostics
    assert "The rejected key comes from `api_key` of the provider's block" in told
    assert "pk_live_of_nobody" not in told
