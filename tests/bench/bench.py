"""`make bench`: what things cost, as ratios of pairs that are measured side by side in this run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psycopg
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc

from polykomos.package import package
from resourcekit.pulumi.engine import EngineLog
from resourcekit.pulumi.servicer import ProviderServicer
from resourcekit.pulumi.wire import encode
from support import inside
from support.control_plane import ControlPlane, new_key

BIN = Path(sys.executable).parent
URN = "urn:pulumi:dev::bench::polykomos:index:Database::db"


def median(measure: Callable[[], object], times: int) -> float:
    """Milliseconds."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        measure()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def plugin_ready() -> None:
    with subprocess.Popen([BIN / "pulumi-resource-polykomos", "x"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        int(process.stdout.readline())
        process.kill()


def start_up() -> None:
    ready = median(plugin_ready, 7)
    bare = median(lambda: subprocess.run([sys.executable, "-c", "import grpc"], check=True), 7)
    print(f"plugin ready {ready:.0f} ms, python -c 'import grpc' {bare:.0f} ms: {ready / bare:.2f}x")


def per_operation() -> None:
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(package(), EngineLog()), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    inputs = encode({"name": "orders", "connectionHardLimit": 40, "deletionProtection": True})
    state = encode({"name": "orders", "connectionHardLimit": 40, "deletionProtection": True, "uuid": "u"})
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        check = pb.CheckRequest(urn=URN, news=inputs)
        diff = pb.DiffRequest(urn=URN, id="u", olds=state, old_inputs=inputs, news=inputs)
        both = median(lambda: (stub.Check(check), stub.Diff(diff)), 1000)
        nothing = median(lambda: stub.GetMapping(pb.GetMappingRequest()), 1000)
    server.stop(None)
    print(f"Check + Diff {both:.2f} ms, an empty call {nothing:.2f} ms: {both / nothing:.2f}x")


def control_plane(directory: Path) -> None:
    arguments = ["--data-dir", str(directory), "--rate-limit", "0", "--pool-size", "30"]
    with ControlPlane(*arguments) as plane:
        plane.stop()
        again = median(plane.start, 1)
        with plane.client() as api:
            reply = api.post("/databases?wait=true", json={"name": "first"}, headers=new_key()).json()["data"]
            time.sleep(5)  # the pool fills up
            pooled = median(
                lambda: api.post("/databases", json={"name": "b"}, headers=new_key()).raise_for_status(), 20
            )
            got = median(lambda: api.get(f"/databases/{reply['uuid']}"), 200)
        with inside.connect(plane, reply["port"]) as connection:
            bare = median(lambda: connection.execute(f'CREATE DATABASE "bare_{uuid.uuid4().hex}"'), 10)
        with psycopg.connect(reply["connection_string"]) as tenant:
            select = median(lambda: tenant.execute("SELECT 1"), 200)
    print(f"control plane ready again after {again / 1000:.2f} s (cached data directory)")
    print(f"create from the pool {pooled:.1f} ms, bare CREATE DATABASE {bare:.1f} ms: {pooled / bare:.2f}x")
    print(f"GET of a database {got:.1f} ms, bare SELECT 1 {select:.2f} ms: {got / select:.1f}x")


def main() -> None:
    import tempfile

    start_up()
    per_operation()
    with tempfile.TemporaryDirectory() as directory:
        control_plane(Path(directory) / "data")


if __name__ == "__main__":
    main()
