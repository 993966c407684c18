"""Run the steps of the Dockerfile without a container engine, and then the container's program.

    sudo python tools/image/dry_run.py [DIRECTORY]     # several minutes; DIRECTORY keeps the roots for the next time

Each stage is a directory with Debian in it, made by debootstrap in place of the base image; RUN steps run there by
chroot. At the end the ENTRYPOINT runs as the image's USER; its HEALTHCHECK and real clients try it; it is stopped.
What this leaves out is in docs/how-to/container.md.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from dockerfile import Instruction, Stage, read
from scratch_root import command_in, copy_of, lend_host, make_base

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PORT, KEY = "18080", f"pk_live_{uuid.uuid4().hex}"
READY_SECONDS, STOP_SECONDS = 120, 60


def main(argv: list[str]) -> int:
    """Build, run, try and stop. Returns the exit status."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        say("`make image` needs root, and debootstrap on PATH: apt-get install debootstrap")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(argv[0] if argv else scratch).resolve()
        base = directory / "base"
        directory.mkdir(parents=True, exist_ok=True)
        stages = read(HERE / "Dockerfile")
        release = stages[-1].base.partition(":")[2].partition("-")[0]
        say(f"Debian {release} in place of {stages[-1].base}")
        make_base(release, base)
        built: dict[str, Path] = {}
        for number, stage in enumerate(stages):
            built[stage.name] = directory / f"stage{number}"
            shutil.rmtree(built[stage.name], ignore_errors=True)
            copy_of(base, built[stage.name])
            build(stage, built[stage.name], built)
        final = built[stages[-1].name]
        say(f"added to Debian: {size(final) - size(base)} MB")
        try_it(stages[-1], final)
    return 0


def build(stage: Stage, root: Path, built: dict[str, Path]) -> None:
    """Carry out a stage's instructions in its root."""
    lent = lend_host(root)
    cwd, env = "/", {"PATH": PATH}
    for instruction in stage.instructions:
        say(f"{stage.name or 'image'}: {instruction.name} {instruction.text[:100]}")
        if instruction.name == "RUN":
            command = command_in(root, ["/bin/sh", "-c", instruction.text], {**lent, **env}, cwd=cwd)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        elif instruction.name == "COPY":
            copy(instruction, root, cwd, built)
        elif instruction.name == "ENV":
            env |= dict(word.split("=", 1) for word in instruction.words())
        elif instruction.name == "WORKDIR":
            cwd = instruction.text
            (root / cwd.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction.name not in ("USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"):
            raise ValueError(f"the dry run does not know {instruction.name}")


def copy(instruction: Instruction, root: Path, cwd: str, built: dict[str, Path]) -> None:
    """Carry out COPY: from the repository, without what the ignore file leaves out, or from an earlier stage."""
    options, (*sources, target) = instruction.options()
    into = root / str(PurePosixPath(cwd, target)).lstrip("/")
    for source in sources:
        start = built[options["from"]] / source.lstrip("/") if "from" in options else ROOT / source
        if "from" not in options and not is_sent(source):
            raise ValueError(f"Dockerfile.dockerignore leaves out {source}")
        if start.is_dir():
            shutil.copytree(
                start, into, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            place = into / Path(source).name if target.endswith("/") else into
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(start, place)


def is_sent(source: str) -> bool:
    """Return whether the ignore file lets a file or folder through; its last line that fits decides."""
    sent = True
    for line in (HERE / "Dockerfile.dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and fnmatch.fnmatch(source, pattern):
            sent = line.startswith("!")
    return sent


def try_it(stage: Stage, root: Path) -> None:
    """Run the image's program twice on one volume: what was made is still there."""
    with running(stage, root):
        made = [create(kind) for kind in ("postgres", "mysql")]
        say(f"made and reached: {', '.join(each['db_type'] for each in made)}")
    with running(stage, root):
        there = {each["uuid"] for each in call("GET", "/databases")["data"]}
        assert there == {each["uuid"] for each in made}, there
    say("stopped and started again: both databases are still there")


@contextlib.contextmanager
def running(stage: Stage, root: Path) -> Iterator[None]:
    """Run the ENTRYPOINT as the USER, wait until the HEALTHCHECK passes, and stop it as a container is stopped."""
    variables = stage.last("ENV")
    user, entrypoint, check = stage.last("USER"), stage.last("ENTRYPOINT"), stage.last("HEALTHCHECK")
    assert variables and user and entrypoint and check
    env = dict(word.split("=", 1) for word in variables.words())
    env |= {"POLYKOMOS_DEV_PORT": PORT, "POLYKOMOS_DEV_API_KEY": KEY}
    probe = json.loads(check.text.partition("CMD ")[2])
    cwd = getattr(stage.last("WORKDIR"), "text", "/")
    began = time.monotonic()
    process = subprocess.Popen(
        command_in(root, entrypoint.words(), env, user.text, cwd), stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while subprocess.run(
            command_in(root, probe, env, user.text), stderr=subprocess.DEVNULL, check=False
        ).returncode:
            assert process.poll() is None, f"it ended with status {process.returncode}"
            assert time.monotonic() - began < READY_SECONDS, "it did not get healthy"
            time.sleep(0.5)
        say(f"healthy after {time.monotonic() - began:.1f} s, as user {user.text}")
        yield
        status = stop(process)
        assert status == 0, f"it ended with status {status}"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Send SIGTERM to the container's first process, which is tini. Returns the exit status."""
    (first,) = (Path(f"/proc/{process.pid}/task/{process.pid}/children")).read_text().split()
    os.kill(int(first), signal.SIGTERM)
    return process.wait(STOP_SECONDS)


def create(kind: str) -> dict[str, Any]:
    """Create a database, wait for it, and connect to it as its tenant."""
    made: dict[str, Any] = call("POST", "/databases", {"name": kind, "db_type": kind})["data"]
    deadline = time.monotonic() + READY_SECONDS
    while made["status"] != "active":
        assert time.monotonic() < deadline, made["status"]
        time.sleep(0.3)
        made = call("GET", f"/databases/{made['uuid']}")["data"]
    if kind == "postgres":
        import psycopg

        with psycopg.connect(made["connection_string"]) as postgres:
            postgres.execute("CREATE TABLE t (i int)")
    else:
        import pymysql

        where = {"host": made["host"], "port": made["port"], "database": made["db_name"]}
        with pymysql.connect(**where, user=made["db_username"], password=made["db_password"]) as mysql:
            mysql.cursor().execute("CREATE TABLE t (i int)")
    return made


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Call the API."""
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/api/v1{path}",
        method=method,
        headers=headers,
        data=json.dumps(body).encode() if body else None,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=READY_SECONDS) as reply:
        return json.load(reply)


def size(root: Path) -> int:
    """Return what a root takes on disk, in MB."""
    done = subprocess.run(["du", "-smx", str(root)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
