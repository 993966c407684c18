"""Record what a release leaves: with Pulumi the stack's state, and with each engine the calls of the release's plugin.

PYTHONPATH=tests python tests/upgrades/record.py ENGINE 0.1.0

The plugin is the one that PATH finds first. The engine applies `pulumi-VERSION.yaml` or `terraform-VERSION.calls.tf` to
an empty control plane whose ids come from the series `release VERSION`, one resource after the other. Pulumi then
refreshes. Terraform and OpenTofu plan again, change, import and destroy. The files go beside this one.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from support import server_admin
from support.control_plane import ControlPlane
from support.pulumi import Stack
from support.recording_proxy import RecordingProxy
from support.releases import plane_of
from support.terraform import Workspace
from support.tfplugin import Plugin

HERE = Path(__file__).parent
# Their responses are large, and no engine stores them.
WITHOUT_RESPONSE = ("GetProviderSchema",)
EDITS = {
    '"Every option"': '"Changed"',
    "connection_hard_limit          = 5": "connection_hard_limit = 6",
    "deletion_protection            = true": "deletion_protection = false",
    "variables_wo_version = 1\n  depends_on": "variables_wo_version = 2\n  depends_on",
}
ADDRESS = "polykomos_webhook_endpoint.hook"

# A method, its request and its response.
Call = tuple[str, bytes, bytes]


def main(engine: str, version: str) -> None:
    """Write ENGINE-VERSION.grpc.json, and for Pulumi pulumi-VERSION.stack.json."""
    with plane_of(version, quick=False) as plane, tempfile.TemporaryDirectory() as directory:
        if engine == "pulumi":
            record_pulumi(version, plane, Path(directory))
        else:
            record_terraform(engine, version, plane, Path(directory))


def record_pulumi(version: str, plane: ControlPlane, directory: Path) -> None:
    program = HERE / f"pulumi-{version}.yaml"
    stack = Stack(directory / "stack", {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key})
    shutil.copy(program, stack.directory / "Pulumi.yaml")
    log = directory / "grpc.json"
    stack.up("--parallel", "1", PULUMI_DEBUG_GRPC=str(log))
    state = stack.state()
    stack.refresh("--parallel", "1", PULUMI_DEBUG_GRPC=str(log))
    stack.up("--parallel", "1", PULUMI_DEBUG_GRPC=str(log))
    text = log.read_text()
    for secret in secrets(plane):
        text = text.replace(secret, "[secret]")
    text = text.replace(str(stack.directory), "/program").replace(str(Path(sys.prefix)), "/python")
    write(program.with_suffix(".stack.json"), state)
    write(program.with_suffix(".grpc.json"), [call for line in text.splitlines() if (call := kept(line))])


def kept(line: str) -> dict[str, Any] | None:
    """Return a call of the provider that has ended; None for other lines."""
    call: dict[str, Any] = json.loads(line)
    is_ours = call["method"].startswith("/pulumirpc.ResourceProvider/") and call.get("response") is not None
    return {name: call[name] for name in ("method", "request", "response")} if is_ours else None


def record_terraform(engine: str, version: str, plane: ControlPlane, directory: Path) -> None:
    program = (HERE / f"terraform-{version}.calls.tf").read_text()
    env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
    released = shutil.which("terraform-provider-polykomos")
    assert released is not None
    with Plugin(env, program=Path(released)) as plugin, RecordingProxy(plugin) as proxy:
        workspace = Workspace(engine, directory / "workspace", {"TF_REATTACH_PROVIDERS": proxy.reattach})
        one = "-parallelism=1"
        workspace.write(program)
        workspace.apply(one)
        assert workspace.plan(one).empty
        workspace.write(with_edits(program))
        workspace.apply(one)
        workspace.run("state", "rm", ADDRESS)
        workspace.write(f'import {{\n  to = {ADDRESS}\n  id = "1"\n}}\n', "import.tf")
        workspace.apply(one)
        workspace.destroy(one)
        calls = [(method, masked(request, plane), masked(response, plane)) for method, request, response in proxy.calls]
    write_lines(HERE / f"{engine}-{version}.grpc.json", map(readable, without_repetitions(calls)))


def with_edits(program: str) -> str:
    """Return the program with a blueprint and a database to update, and an application to replace."""
    for old, new in EDITS.items():
        assert program.count(old) == 1
        program = program.replace(old, new)
    return program


def without_repetitions(calls: Iterable[Call]) -> Iterator[Call]:
    """Yield each call once, but every begin of a command."""
    yielded = set()
    for call in calls:
        if call not in yielded or call[0] == "ConfigureProvider":
            yielded.add(call)
            yield call


def readable(call: Call) -> dict[str, Any]:
    """Return a call as JSON has it."""
    method, request, response = call
    rpc = pb.DESCRIPTOR.services_by_name["Provider"].methods_by_name[method]
    found = {"method": method, "request": _json(rpc.input_type, request)}
    return found if method in WITHOUT_RESPONSE else {**found, "response": _json(rpc.output_type, response)}


def _json(message: Any, sent: bytes) -> dict[str, Any]:
    return json_format.MessageToDict(message._concrete_class.FromString(sent))


def masked(sent: bytes, plane: ControlPlane) -> bytes:
    """Return a message with each secret replaced by text of the same length, because messages have lengths in them."""
    for secret in secrets(plane):
        sent = sent.replace(secret.encode(), b"*" * len(secret))
    return sent


def secrets(plane: ControlPlane) -> list[str]:
    """All that the control plane has given out, the longest first."""
    return sorted({plane.api_key, *server_admin.secrets(plane)}, key=len, reverse=True)


def write(path: Path, content: Any) -> None:
    """Write JSON as people read it."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def write_lines(path: Path, calls: Iterable[dict[str, Any]]) -> None:
    """Write a JSON list with a call in each line: most of a call is binary."""
    path.write_text("[\n" + ",\n".join(json.dumps(call, sort_keys=True) for call in calls) + "\n]\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
