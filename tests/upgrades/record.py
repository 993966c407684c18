"""Record what a release leaves of a `pulumi up`: the stack's state, and the calls of its plugin, a refresh included.

PYTHONPATH=tests python tests/upgrades/record.py 0.1.0

The plugin is the one that PATH finds first. It applies `pulumi-VERSION.yaml` to an empty control plane whose ids come
from the series `release VERSION`, one resource after the other. The files go beside this one.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from support import server_admin
from support.control_plane import ControlPlane
from support.pulumi import Stack

HERE = Path(__file__).parent


def main(version: str) -> None:
    """Write pulumi-VERSION.stack.json and pulumi-VERSION.grpc.json."""
    program = HERE / f"pulumi-{version}.yaml"
    with (
        ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", quick=False) as plane,
        tempfile.TemporaryDirectory() as directory,
    ):
        with plane.admin() as admin:
            admin.put("/ids", json={"seed": f"release {version}"}).raise_for_status()
        env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
        stack = Stack(Path(directory) / "stack", env)
        shutil.copy(program, stack.directory / "Pulumi.yaml")
        log = Path(directory) / "grpc.json"
        stack.up("--parallel", "1", PULUMI_DEBUG_GRPC=str(log))
        state = stack.state()
        stack.refresh("--parallel", "1", PULUMI_DEBUG_GRPC=str(log))
        stack.up("--parallel", "1", PULUMI_DEBUG_GRPC=str(log))
        text = log.read_text()
        for secret in sorted({plane.api_key, *server_admin.secrets(plane)}, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        text = text.replace(str(stack.directory), "/program").replace(str(Path(sys.prefix)), "/python")
        write(program.with_suffix(".stack.json"), state)
        write(program.with_suffix(".grpc.json"), [call for line in text.splitlines() if (call := kept(line))])


def kept(line: str) -> dict[str, Any] | None:
    """Return a call of the provider that has ended; None for other lines."""
    call: dict[str, Any] = json.loads(line)
    is_ours = call["method"].startswith("/pulumirpc.ResourceProvider/") and call.get("response") is not None
    return {name: call[name] for name in ("method", "request", "response")} if is_ours else None


def write(path: Path, content: Any) -> None:
    """Write JSON as people read it."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
