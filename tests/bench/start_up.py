"""How soon the plugins say that they are there, and what one Check and Diff cost, as ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import msgpack
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from report import Report

from polykomos.package import package
from resourcekit.pulumi.engine_log import EngineLog
from resourcekit.pulumi.property_value import encode
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.protocol import provider_pb2_grpc
from resourcekit.pulumi.servicer import ProviderServicer
from resourcekit.terraform.protocol import tfplugin6_pb2 as tf
from resourcekit.terraform.provider_server import ProviderServer
from support.needs import require
from support.tfplugin import COOKIE

BIN = Path(sys.executable).parent
URN = "urn:pulumi:dev::bench::polykomos:index:Database::db"


def engine_certificate() -> str:
    """A client certificate such as the engines send: ECDSA P-521."""
    key = ec.generate_private_key(ec.SECP521R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA512()).public_bytes(serialization.Encoding.PEM).decode()


def first_of_a_command(program: Path, **env: str) -> None:
    """As `first_line`, started by a process that has started no other."""
    engine = ["sh", "-c", '"$0" & read -r _; kill -9 $!', program]
    with subprocess.Popen(
        engine, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.communicate()
    assert line.strip(), program


def first_line(program: Path, *arguments: str, **env: str) -> None:
    with subprocess.Popen(
        [program, *arguments], env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    assert line.strip(), program


def in_turn(measured: dict[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Medians in milliseconds of what alternates: what else the machine does meets all."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(times):
        for name, run in measured.items():
            began = time.perf_counter()
            run()
            found[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(times) for name, times in found.items()}


def start_up() -> None:
    """The section of the report."""
    report = Report(
        "Start-up and single operations",
        "Until the plugin's first line, which the engine waits for; beside it, Python importing grpc and no more.",
    )
    terraform = {**COOKIE, "PLUGIN_CLIENT_CERT": engine_certificate()}
    baseline = Path(require("terraform-provider-baseline"))
    found = in_turn(
        {
            "grpc": lambda: subprocess.run([sys.executable, "-c", "import grpc"], check=True),
            "pulumi": lambda: first_line(BIN / "pulumi-resource-polykomos", "127.0.0.1:1"),
            "terraform": lambda: first_of_a_command(BIN / "terraform-provider-polykomos", **terraform),
            "later": lambda: first_line(BIN / "terraform-provider-polykomos", **terraform),
            "go": lambda: first_of_a_command(baseline, **terraform),
        },
        15,
    )
    bare = f"import grpc {found['grpc']:.0f} ms"
    report.row("Pulumi plugin", f"{found['pulumi']:.0f} ms", bare, found["pulumi"] / found["grpc"], "1.5x")
    first = f"{found['terraform']:.0f} ms"
    report.row("Terraform plugin, the first of a command", first, bare, found["terraform"] / found["grpc"], "1.8x")
    go = f"Go framework {found['go']:.0f} ms"
    report.row("Terraform plugin, the first of a command", first, go, found["terraform"] / found["go"], "6x")
    later = f"{found['later']:.0f} ms"
    report.row("Terraform plugin, a later one", later, go, found["later"] / found["go"])
    _operations(report)
    report.write()


def _operations(report: Report) -> None:
    inputs = encode({"name": "orders", "connectionHardLimit": 40, "deletionProtection": True})
    state = encode({"name": "orders", "connectionHardLimit": 40, "deletionProtection": True, "uuid": "u"})
    check = pb.CheckRequest(urn=URN, news=inputs).SerializeToString()
    diff = pb.DiffRequest(urn=URN, id="u", olds=state, old_inputs=inputs, news=inputs).SerializeToString()
    servicer = ProviderServicer(package(), EngineLog())

    def both() -> None:
        servicer.Check(pb.CheckRequest.FromString(check), None).SerializeToString()
        servicer.Diff(pb.DiffRequest.FromString(diff), None).SerializeToString()

    alone = in_turn({"both": both}, 1000)["both"]
    report.row("Check + Diff, bytes to bytes", f"{alone:.2f} ms", target="2 ms")
    report.row(
        "Validate + Plan, bytes to bytes", f"{in_turn({'both': _terraform()}, 1000)['both']:.2f} ms", target="2 ms"
    )
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        asked = pb.CheckRequest.FromString(check), pb.DiffRequest.FromString(diff)
        found = in_turn(
            {
                "both": lambda: (stub.Check(asked[0]), stub.Diff(asked[1])),
                "nothing": lambda: stub.GetMapping(pb.GetMappingRequest()),
            },
            500,
        )
    server.stop(None)
    nothing = f"an empty call {found['nothing']:.2f} ms"
    report.row("Check + Diff by gRPC", f"{found['both']:.2f} ms", nothing, found["both"] / found["nothing"])


def _terraform() -> Callable[[], object]:
    """The same on Terraform: a database that has not changed."""
    calls = ProviderServer(package()).method_table()
    block = (
        calls["GetProviderSchema"](tf.GetProviderSchema.Request(), None).resource_schemas["polykomos_database"].block
    )
    config = {**dict.fromkeys(each.name for each in block.attributes), "name": "orders", "connection_hard_limit": 40}
    sent = tf.DynamicValue(msgpack=msgpack.packb(config))
    state = tf.DynamicValue(msgpack=msgpack.packb({**config, "id": "u", "uuid": "u", "deletion_protection": False}))
    name = "polykomos_database"
    validate = tf.ValidateResourceConfig.Request(type_name=name, config=sent).SerializeToString()
    plan = tf.PlanResourceChange.Request(
        type_name=name, prior_state=state, proposed_new_state=state, config=sent
    ).SerializeToString()

    def both() -> None:
        request = tf.ValidateResourceConfig.Request.FromString(validate)
        calls["ValidateResourceConfig"](request, None).SerializeToString()
        planned = calls["PlanResourceChange"](tf.PlanResourceChange.Request.FromString(plan), None)
        assert not planned.diagnostics, planned.diagnostics
        planned.SerializeToString()

    return both
