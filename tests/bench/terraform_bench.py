"""The Terraform provider beside a minimal one of the Go framework (tools/engines/baseline), in the same run.

The baseline has no API: its reads answer from the state. Ours go over HTTP to the control plane, one for each resource.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.control_plane import ControlPlane
from support.pulumi import require
from support.terraform import Workspace

OURS = Path(sys.executable).with_name("terraform-provider-polykomos")
COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
_BASELINE = """
terraform {
  required_providers {
    baseline = { source = "polykomos/baseline" }
  }
}
"""


def engine_certificate() -> str:
    """A client certificate such as the engines send: ECDSA P-521."""
    key = ec.generate_private_key(ec.SECP521R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA512()).public_bytes(serialization.Encoding.PEM).decode()


def handshake(program: Path, env: dict[str, str]) -> float:
    """Milliseconds from the start to the line."""
    began = time.perf_counter()
    with subprocess.Popen([program], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = (time.perf_counter() - began) * 1000
        process.kill()
    assert line.startswith(b"1|6|"), line
    return took


def handshakes(baseline: Path, times: int = 15) -> None:
    env = {
        **os.environ,
        "TF_PLUGIN_MAGIC_COOKIE": COOKIE,
        "PLUGIN_PROTOCOL_VERSIONS": "6",
        "PLUGIN_CLIENT_CERT": engine_certificate(),
    }
    ours, theirs = [], []
    for _ in range(times):
        ours.append(handshake(OURS, env))
        theirs.append(handshake(baseline, env))
    one, other = statistics.median(ours), statistics.median(theirs)
    print(f"start to handshake {one:.0f} ms, Go framework {other:.0f} ms: {one / other:.1f}x (target at most 6x)")


def plan_seconds(workspace: Workspace, times: int) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        workspace.run("plan", "-detailed-exitcode", ok=0, timeout=300)
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def plans(baseline: Path, directory: Path) -> None:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as plane:
        connection = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
        for count in (1, 100, 500):
            ours = Workspace("terraform", directory / f"ours{count}", connection)
            ours.write(f"""
              resource "polykomos_blueprint" "bp" {{
                count       = {count}
                name        = "bench-${{count.index}}"
                sql_content = "SELECT 1"
              }}
            """)
            theirs = Workspace("terraform", directory / f"theirs{count}", {})
            overrides = f'dev_overrides {{ "polykomos/baseline" = "{baseline.parent}" }}'
            (theirs.directory / "cli.tfrc").write_text(f"provider_installation {{\n {overrides}\n direct {{}}\n}}\n")
            (theirs.directory / "provider.tf").write_text(_BASELINE)
            theirs.write(f"""
              resource "baseline_thing" "thing" {{
                count = {count}
                name  = "bench-${{count.index}}"
              }}
            """)
            for workspace in (ours, theirs):
                workspace.run("apply", "-auto-approve", timeout=300)
            times = 5 if count < 500 else 3
            one, other = plan_seconds(ours, times), plan_seconds(theirs, times)
            print(f"plan of {count}: {one:.2f} s, Go framework {other:.2f} s: {one / other:.2f}x")


def main() -> None:
    require("terraform")
    baseline = Path(require("terraform-provider-baseline"))
    handshakes(baseline)
    directory = Path(tempfile.mkdtemp())
    try:
        plans(baseline, directory)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
