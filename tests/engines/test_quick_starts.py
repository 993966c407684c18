"""The README and "Getting started", run as they are written there: a new user, an empty HOME, an own control plane."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.control_plane import ControlPlane
from support.needs import require
from support.objects import left
from support.readme import ROOT, Session, blocks, sources

README = (
    ROOT / "README.md",
    ("Install", "Start a control plane"),
    {"pulumi": "Quick start with Pulumi", "terraform": "Quick start with Terraform or OpenTofu"},
    "When you are done",
)
GETTING_STARTED = (
    ROOT / "docs" / "getting-started.md",
    ("2. Start a control plane",),
    {"pulumi": "3a. With Pulumi", "terraform": "3b. With Terraform or OpenTofu"},
    "4. Stop the control plane",
)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Session]:
    """A shell in a clone, with a port of its own for `polykomos dev`, which is stopped in any case."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    environment = {"POLYKOMOS_DEV_PORT": port, "POLYKOMOS_DEV_RATE_LIMIT": "0", "PULUMI_SKIP_CONFIRMATIONS": "false"}
    session = Session(sources(tmp_path / "clone"), {}, **environment)
    try:
        with session:
            yield session
    finally:
        subprocess.run(["polykomos", "dev", "--stop"], env=session.env, check=True)


def there(session: Session) -> ControlPlane:
    """The control plane that the steps have started."""
    lines = session.run("polykomos dev --env").splitlines()
    settings = {
        name: value.strip("'") for name, _, value in (line.removeprefix("export ").partition("=") for line in lines)
    }
    plane = ControlPlane()
    plane.base_url, plane.api_key = settings["POLYKOMOS_BASE_URL"], settings["POLYKOMOS_API_KEY"]
    return plane


@pytest.mark.parametrize("document", [README, GETTING_STARTED], ids=["readme", "getting-started"])
@pytest.mark.parametrize("engine", ["pulumi", "terraform", "tofu"])
def test_a_quick_start(
    document: tuple[Path, tuple[str, ...], dict[str, str], str], engine: str, shell: Session
) -> None:
    require("psql")
    page, before, quick_starts, after = document
    for section in before:
        shell.follow(blocks(page, section))
    if engine == "tofu":  # as both pages say: `tofu` instead of `terraform`
        shell.run('terraform() { tofu "$@"; }')
    printed = "\n".join(shell.follow(blocks(page, quick_starts["pulumi" if engine == "pulumi" else "terraform"])))
    assert "public | contacts" in printed, printed
    assert "renamed-by-hand" in printed.partition("public | contacts")[2], "the drift is shown"
    assert "from $PATH" not in printed
    plane = there(shell)
    assert plane.api_key not in printed
    assert left(plane) == []
    shell.follow(blocks(page, after))
    assert "No control plane is running" in shell.run("polykomos dev --stop 2>&1")
