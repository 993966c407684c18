"""Each RPC of both engines is served, and the file that serves it is the one that a reader would search for."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from polykomos.package import package
from resourcekit.pulumi.engine_log import EngineLog
from resourcekit.pulumi.protocol import provider_pb2
from resourcekit.pulumi.servicer import ProviderServicer, servicer_handlers
from resourcekit.terraform.protocol import tfplugin6_pb2
from resourcekit.terraform.provider_server import ProviderServer

TERRAFORM = [method.name for method in tfplugin6_pb2.DESCRIPTOR.services_by_name["Provider"].methods]
PULUMI = [method.name for method in provider_pb2.DESCRIPTOR.services_by_name["ResourceProvider"].methods]

# By a part of the RPC's name; the RPCs of the provider itself are in the file of the whole.
FILES = {
    "DataResource": "data_source.py",
    "DataSource": "data_source.py",
    "Ephemeral": "ephemeral.py",
    "Action": "action.py",
    "Function": "function.py",
    "ListResource": "list_resource.py",
    "ImportResource": "import_state.py",
    "UpgradeResource": "import_state.py",
    "MoveResource": "import_state.py",
    "GenerateResourceConfig": "import_state.py",
    "ResourceChange": "resource.py",
    "ReadResource": "resource.py",
    "ValidateResourceConfig": "resource.py",
}


def file_of(handler: Any) -> str:
    return Path(inspect.getfile(inspect.unwrap(getattr(handler, "__func__", handler)))).name


def test_every_rpc_of_terraform_is_in_the_table() -> None:
    table = ProviderServer(package()).method_table()
    assert set(table) == set(TERRAFORM)
    for name, handler in table.items():
        assert handler.__name__ == name, "an entry leads to the handler of its own name"


@pytest.mark.parametrize("name", TERRAFORM)
def test_the_file_of_each_rpc_of_terraform(name: str) -> None:
    expected = next((file for part, file in FILES.items() if part in name), None)
    if expected is not None:
        assert file_of(ProviderServer(package()).method_table()[name]) == expected


def test_every_rpc_of_pulumi_has_a_handler_and_invoke_and_construct_have_a_file_each() -> None:
    servicer = ProviderServicer(package(), EngineLog())
    assert set(servicer_handlers(servicer)) == set(PULUMI)
    assert file_of(servicer.Invoke) == "invoke.py"
    assert file_of(servicer.Construct) == "construct.py"
