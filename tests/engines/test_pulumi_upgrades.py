"""A stack that release 0.1.0 wrote goes on under this release, and its calls are answered as then.

`tests/upgrades/record.py` recorded both.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from polykomos.package import package
from resourcekit.pulumi.engine_log import EngineLog
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.servicer import ProviderServicer
from support import checkpoint
from support.control_plane import ControlPlane, database_names
from support.pulumi import PASSPHRASE, Stack
from support.readme import ROOT
from support.releases import RECORDS, make, plane_of

PROGRAM = (RECORDS / "pulumi-0.1.0.yaml").read_text()
STACK = json.loads((RECORDS / "pulumi-0.1.0.stack.json").read_text())
CALLS = json.loads((RECORDS / "pulumi-0.1.0.grpc.json").read_text())


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with plane_of("0.1.0") as running:
        yield running


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def plain(value: Any) -> Any:
    """A value of the state without the marks of secrets, and whole numbers as such."""
    if isinstance(value, dict) and "plaintext" in value:
        return plain(json.loads(value["plaintext"]))
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_ours(resource: dict[str, Any]) -> bool:
    return str(resource["type"]).startswith("polykomos:")


def test_a_stack_of_release_0_1_0(plane: ControlPlane, tmp_path: Path) -> None:
    resources = checkpoint.shown(STACK["deployment"], PASSPHRASE)["resources"]
    before = {each["id"]: each for each in resources if is_ours(each)}
    assert len(before) == 9
    with plane.client() as api:
        for id_, each in before.items():
            given = {snake(name): plain(value) for name, value in each["inputs"].items()}
            assert make(api, snake(each["type"].rpartition(":")[2]), given, dry_runs=0) == id_
    stack = Stack(tmp_path / "stack", {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key})
    (stack.directory / "Pulumi.yaml").write_text(PROGRAM)
    (stack.directory / "recorded.json").write_text(json.dumps(STACK))
    stack.run("stack", "import", "--stack", "dev", "--file", "recorded.json")

    stack.assert_no_changes()
    stack.refresh()
    stack.assert_no_changes()
    after = {each["id"]: each for each in stack.state()["deployment"]["resources"] if is_ours(each)}
    assert {id_: each["urn"] for id_, each in after.items()} == {id_: each["urn"] for id_, each in before.items()}

    changed = PROGRAM.replace("Every option", "Changed").replace("connectionHardLimit: 5", "connectionHardLimit: 6")
    changed = changed.replace("deletionProtection: true", "deletionProtection: false")
    (stack.directory / "Pulumi.yaml").write_text(changed)
    log = tmp_path / "grpc.json"
    assert stack.up(PULUMI_DEBUG_GRPC=str(log)).ops == {"blueprint-full": "update", "database-full": "update"}
    sends_what_has_a_row(log)
    assert stack.outputs() == {"limit": 6}
    stack.assert_no_changes()
    stack.destroy()
    assert database_names(plane) == []


def sends_what_has_a_row(log: Path) -> None:
    """The engine may be newer than the SDK whose descriptors docs/engine-calls.md is made from."""
    rows = tomllib.loads((ROOT / "tools" / "generate" / "engine_calls.toml").read_text())
    sections = {"Handshake": "pulumirpc.ProviderHandshakeRequest", "Configure": "pulumirpc.ConfigureRequest"}
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    log.unlink()  # it has secrets
    seen = set()
    for call in calls:
        service, _, method = call["method"].rpartition("/")
        if service == "/pulumirpc.ResourceProvider":
            assert method in rows["pulumirpc.ResourceProvider"]
            if method in sections and call.get("request"):
                names = {snake(name) for name in rows[sections[method]]}
                assert {snake(name) for name in call["request"]} <= names
                seen.add(method)
    assert seen == set(sections)


@pytest.mark.parametrize("method", ["Check", "Diff"])
def test_recorded_calls_are_answered_as_then(method: str) -> None:
    """An engine that upgrades the plugin sends what it has of the release before."""
    servicer = ProviderServicer(package(), EngineLog())
    request_type, response_type = {
        "Check": (pb.CheckRequest, pb.CheckResponse),
        "Diff": (pb.DiffRequest, pb.DiffResponse),
    }[method]
    recorded = [call for call in CALLS if call["method"].endswith(f"/{method}")]
    assert len(recorded) == 18
    for call in recorded:
        request = json_format.ParseDict(call["request"], request_type(), ignore_unknown_fields=True)
        expected = json_format.ParseDict(call["response"], response_type(), ignore_unknown_fields=True)
        found = getattr(servicer, method)(request, None)
        if method == "Check":
            assert found == expected
        else:
            assert (found.changes, found.replaces, found.diffs) == (expected.changes, expected.replaces, expected.diffs)
