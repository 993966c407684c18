"""Try an installed wheel with the interpreter that runs this: the control plane, and an engine's first calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import psycopg
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

import polykomos
from polykomos_provider.testing import ControlPlane
from resourcekit.terraform.handshake import COOKIE
from resourcekit.terraform.protocol import tfplugin6_pb2

PROGRAMS = Path(sys.executable).parent
# What each vendor's plugins show, by Pulumi's name and by Terraform's.
VENDORS = {
    "polykomos": ("Database", "database"),
    "polnor": ("Job", "job"),
    "polytomic": ("getQuery", "query"),
    "pragma": ("Resource", "resource"),
}


def control_plane() -> None:
    """Serve a request, and a tenant of the database that it makes."""
    with ControlPlane() as plane:
        made = plane.create_database("smoke")
        with psycopg.connect(made["connection_string"]) as connection:
            assert connection.execute("SELECT 42").fetchone() == (42,)


def pulumi_plugin(vendor: str) -> None:
    """Print a port, and answer Handshake and GetSchema there."""
    with subprocess.Popen([PROGRAMS / f"pulumi-resource-{vendor}"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            provider = provider_pb2_grpc.ResourceProviderStub(channel)
            provider.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:0"), timeout=60)
            schema = provider.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60).schema
            assert f"{vendor}:index:{VENDORS[vendor][0]}" in schema
        process.terminate()


def terraform_plugin(vendor: str) -> None:
    """Print go-plugin's line, and answer GetProviderSchema on the socket that it names."""
    environment = {**os.environ, COOKIE[0]: COOKIE[1], "PLUGIN_PROTOCOL_VERSIONS": "6"}
    program = PROGRAMS / f"terraform-provider-{vendor}"
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        _, protocol, network, address, *_ = process.stdout.readline().split("|")
        assert (protocol, network) == ("6", "unix")
        with grpc.insecure_channel(f"unix:{address}") as channel:
            call = channel.unary_unary(
                "/tfplugin6.Provider/GetProviderSchema",
                request_serializer=tfplugin6_pb2.GetProviderSchema.Request.SerializeToString,
                response_deserializer=tfplugin6_pb2.GetProviderSchema.Response.FromString,
            )
            found = call(tfplugin6_pb2.GetProviderSchema.Request(), timeout=60)
            assert f"{vendor}_{VENDORS[vendor][1]}" in {*found.resource_schemas, *found.data_source_schemas}
        process.terminate()


if __name__ == "__main__":
    assert PROGRAMS.parent in Path(polykomos.__file__).parents
    control_plane()
    for vendor in VENDORS:
        pulumi_plugin(vendor)
        terraform_plugin(vendor)
    print(sys.version.split()[0], "is good")
