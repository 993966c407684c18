"""Our own .proto file beside the official definitions: terraform-plugin-go's, and Terraform's own of 6.11."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from support.needs import require

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ROOT / "tools" / "engines"
PROTOCOL = ROOT / "provider" / "resourcekit" / "terraform" / "protocol"
# What this provider leaves out.
STATE_STORES = {"state_stores", "state_store_schemas"}
STATE_STORE_CALLS = {
    "ValidateStateStoreConfig", "ConfigureStateStore", "ReadStateBytes", "WriteStateBytes", "LockState", "UnlockState",
    "GetStates", "DeleteState",
}  # fmt: skip
# What the newest terraform-plugin-go does not have yet, and Terraform 1.16 has.
NEW_IN_6_11 = {
    ".ClientCapabilities.store_planned_private",
    ".ClientCapabilities.computed_blocks_allowed",
    ".PlanResourceChange.Request.planned_private",
    ".Schema.Block.computed",
}
# Names of which Terraform's own file has others than terraform-plugin-go. The numbers are the same.
RENAMED = {"EphemeralMetadata": "EphemeralResourceMetadata"}
RENAMED_FIELDS = {".ValidateActionConfig.Request.type_name": ".ValidateActionConfig.Request.action_type"}


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


def module_directory(pinned_in: Path, name: str) -> Path:
    command = [require("go"), "mod", "download", "-json", name]
    module = json.loads(subprocess.run(command, cwd=pinned_in, check=True, capture_output=True, text=True).stdout)
    return Path(module["Dir"])


def test_our_definition_is_the_protocols(tmp_path: Path) -> None:
    plugin_go = module_directory(ENGINES / "baseline", "github.com/hashicorp/terraform-plugin-go")
    official = compiled(plugin_go / "tfprotov6" / "internal" / "tfplugin6", tmp_path / "official")
    ours = compiled(PROTOCOL, tmp_path / "ours")
    theirs = facts(official)
    assert {name for name, fact in facts(ours).items() if theirs.get(name) != fact} == NEW_IN_6_11
    for name, method in methods(ours).items():
        assert methods(official)[name] == method
    parents = {name.rpartition(".")[0] for name in facts(ours)}
    left_out = {name for name in theirs.keys() - facts(ours).keys() if name.rpartition(".")[0] in parents}
    assert {name.rpartition(".")[2] for name in left_out} == STATE_STORES
    assert set(methods(official)) - set(methods(ours)) == STATE_STORE_CALLS


def test_our_definition_is_that_of_terraform_6_11(tmp_path: Path) -> None:
    directory = module_directory(ENGINES / "terraform", "github.com/hashicorp/terraform") / "docs" / "plugin-protocol"
    assert "protocol version 6.11\n" in (directory / "tfplugin6.proto").read_text(encoding="utf-8")
    theirs = {
        RENAMED_FIELDS.get(name, name): fact for name, fact in renamed(facts(compiled(directory, tmp_path / "theirs")))
    }
    ours = facts(compiled(PROTOCOL, tmp_path / "ours"))
    assert {name for name, fact in ours.items() if theirs.get(name) != fact} == set()
    parents = {name.rpartition(".")[0] for name in ours}
    left_out = {name for name in theirs.keys() - ours.keys() if name.rpartition(".")[0] in parents}
    assert {name.rpartition(".")[2] for name in left_out} == STATE_STORES


def renamed(theirs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield Terraform's facts with the message names of terraform-plugin-go."""
    for name, fact in theirs.items():
        for their_name, our_name in RENAMED.items():
            name = name.replace(their_name, our_name)
            fact = (*fact[:2], fact[2].replace(their_name, our_name), fact[3]) if isinstance(fact, tuple) else fact
        yield name, fact


def test_the_stubs_are_fresh(tmp_path: Path) -> None:
    """`make stubs` would write the same messages."""
    written = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(written)
    assert facts(written) == facts(compiled(PROTOCOL, tmp_path / "ours"))
