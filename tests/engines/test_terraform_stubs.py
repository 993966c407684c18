"""Our own .proto file beside the official definition, which the Go module terraform-plugin-go holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from support.needs import require

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "tools" / "engines" / "baseline"
PROTOCOL = ROOT / "provider" / "resourcekit" / "terraform" / "protocol"
# What this provider leaves out.
STATE_STORES = {"state_stores", "state_store_schemas"}
STATE_STORE_CALLS = {
    "ValidateStateStoreConfig", "ConfigureStateStore", "ReadStateBytes", "WriteStateBytes", "LockState", "UnlockState",
    "GetStates", "DeleteState",
}  # fmt: skip


def compiled(directory: Path, target: Path) -> descriptor_pb2.FileDescriptorProto:
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(directory), f"--descriptor_set_out={target}"]
    subprocess.run([*command, "tfplugin6.proto"], check=True)
    (found,) = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()).file
    return found


def facts(found: Any, prefix: str = "") -> dict[str, Any]:
    """Every field and enum value by its full name, as number, type and cardinality."""
    messages = found.message_type if not prefix else found.nested_type
    facts_: dict[str, Any] = {}
    for message in messages:
        name = f"{prefix}.{message.name}"
        for field in message.field:
            facts_[f"{name}.{field.name}"] = (field.number, field.type, field.type_name, field.label)
        facts_ |= facts(message, name)
    for enum in found.enum_type:
        facts_ |= {f"{prefix}.{enum.name}.{each.name}": each.number for each in enum.value}
    return facts_


def methods(found: descriptor_pb2.FileDescriptorProto) -> dict[str, Any]:
    (service,) = found.service
    return {
        each.name: (each.input_type, each.output_type, each.client_streaming, each.server_streaming)
        for each in service.method
    }


def test_our_definition_is_the_protocols(tmp_path: Path) -> None:
    command = [require("go"), "mod", "download", "-json", "github.com/hashicorp/terraform-plugin-go"]
    module = json.loads(subprocess.run(command, cwd=MODULE, check=True, capture_output=True, text=True).stdout)
    official = compiled(Path(module["Dir"]) / "tfprotov6" / "internal" / "tfplugin6", tmp_path / "official")
    ours = compiled(PROTOCOL, tmp_path / "ours")
    theirs = facts(official)
    for name, fact in facts(ours).items():
        assert theirs.get(name) == fact, name
    for name, method in methods(ours).items():
        assert methods(official)[name] == method
    parents = {name.rpartition(".")[0] for name in facts(ours)}
    left_out = {name for name in theirs.keys() - facts(ours).keys() if name.rpartition(".")[0] in parents}
    assert {name.rpartition(".")[2] for name in left_out} == STATE_STORES
    assert set(methods(official)) - set(methods(ours)) == STATE_STORE_CALLS


def test_the_stubs_are_fresh(tmp_path: Path) -> None:
    """`make stubs` would write the same messages."""
    written = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(written)
    assert facts(written) == facts(compiled(PROTOCOL, tmp_path / "ours"))
