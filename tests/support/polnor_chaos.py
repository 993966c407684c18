"""Polnor's compute instances and jobs in the rounds of `support.engine_chaos`.

A command is run again with the imports that its messages name. The instances at the API must be those of the program
and of the state: nothing is doubled or lost. Jobs cannot be listed (decision 0094): the audit counts their creates, and
each kill may have left one job that no state has, no more. Each job of a state runs.
"""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path
from typing import Any

from support.control_plane import ControlPlane, wait_until
from support.engine_chaos import VICTIMS
from support.hcl import Declared, module
from support.process_kill import after_kill, processes, start_up
from support.pulumi import Stack
from support.terraform import Workspace

# What Terraform adds to a message: colours, a frame and line ends.
_FRAME = re.compile(r"\x1b\[[0-9;]*m|│|\s")
_EXISTS = re.compile(r"import it by the id (cmp_[0-9a-f]+)")
_PERIOD = {"from": "2020-01-01", "to": "2090-01-01", "group_by": "action"}
Program = dict[str, tuple[str, dict[str, Any]]]
"""Resources by name: kind and arguments, in snake case."""


def program(marker: str, state: str, flavor: str) -> Program:
    """An instance whose name is new in each program, one that stays, and a job whose task is new."""
    return {
        "new": ("compute_instance", {"name": marker, "flavor": flavor, "auto_stop": "never", "state": state}),
        "stays": ("compute_instance", {"name": "stays", "flavor": "cpu.32", "auto_stop": "never", "state": state}),
        "job": ("job", {"name": "job", "tasks": [{"key": marker, "command": "true"}]}),
    }


class PulumiRun:
    """The program on Pulumi."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.stack = Stack(directory, env, vendors=("polnor",))

    def write(self, resources: Program) -> None:
        kinds = {"compute_instance": "polnor:ComputeInstance", "job": "polnor:Job"}
        self.stack.write(
            {
                name: (kinds[kind], {_camel(key): value for key, value in fields.items()})
                for name, (kind, fields) in resources.items()
            }
        )

    def run(self, doing: str) -> tuple[bool, str]:
        done = self.stack.up(ok=None) if doing == "up" else self.stack.destroy(ok=None)
        return done.status == 0, done.output

    def start(self, doing: str) -> subprocess.Popen[str]:
        return start_up(self.stack, command=doing)

    def plugins(self) -> list[int]:
        return processes(self.stack.directory / ".home" / ".pulumi", "pulumi-resource-polnor")

    def killed(self) -> None:
        after_kill(self.stack)

    def import_(self, name: str, id_: str) -> None:
        where = ("--out", str(self.stack.directory / "imported.yaml"), "--protect=false", "--yes", "--skip-preview")
        self.stack.run("import", "polnor:index:ComputeInstance", name, id_, *where)

    def ids(self) -> dict[str, str]:
        """The ids in the state, by name."""
        resources = self.stack.state()["deployment"].get("resources", [])
        return {
            each["urn"].rpartition("::")[2]: each["id"]
            for each in resources
            if each["type"].startswith("polnor:") and not each.get("delete")
        }


class TerraformRun:
    """The program on Terraform or OpenTofu."""

    def __init__(self, engine: str, directory: Path, env: dict[str, str]) -> None:
        self.workspace = Workspace(engine, directory, env)
        source = 'terraform {\n  required_providers {\n    polnor = { source = "polnor/polnor" }\n  }\n}\n'
        self.workspace.write(source, "provider.tf")

    def write(self, resources: Program) -> None:
        blocks = (Declared(f"polnor_{kind}", name, fields) for name, (kind, fields) in resources.items())
        self.workspace.write(module(blocks))

    def run(self, doing: str) -> tuple[bool, str]:
        done = self.workspace.run({"up": "apply"}.get(doing, doing), "-auto-approve", "-lock=false", ok=None)
        return done.status == 0, done.output

    def start(self, doing: str) -> subprocess.Popen[str]:
        return self.workspace.start({"up": "apply"}.get(doing, doing), "-auto-approve", "-lock=false")

    def plugins(self) -> list[int]:
        return processes(Path(self.workspace.env["TF_CLI_CONFIG_FILE"]), "terraform-provider-polnor")

    def killed(self) -> None:
        (self.workspace.directory / ".terraform.tfstate.lock.info").unlink(missing_ok=True)

    def import_(self, name: str, id_: str) -> None:
        self.workspace.run("import", "-lock=false", f"polnor_compute_instance.{name}", id_)

    def ids(self) -> dict[str, str]:
        """The ids in the state, by name."""
        return {address.partition(".")[2]: each["id"] for address, each in self.workspace.resources().items()}


class PolnorSubject:
    """See `support.engine_chaos.Subject`. adopted: how many instances a message named; jobs: how many were created."""

    engines = ("pulumi", "terraform", "tofu")
    arguments = ("--rate-limit", "0", "--pool-size", "0", "--vendor", "polnor")
    creations = ("polnorCreateCompute", "polnorCreateJob")
    commands = ("up", "up", "up", "destroy")
    victims = VICTIMS

    def __init__(self, engine: str, directory: Path, plane: ControlPlane, draw: random.Random) -> None:
        env = {"POLNOR_BASE_URL": f"{plane.origin}/polnor/api/v1", "POLNOR_API_KEY": plane.api_key}
        self.story = PulumiRun(directory, env) if engine == "pulumi" else TerraformRun(engine, directory, env)
        self.plane, self.random = plane, draw
        self.program: Program | None = None
        self.has_job = False
        self.adopted = self.kills_of_creates = self.jobs = 0

    @property
    def is_declared(self) -> bool:
        return self.program is not None

    def declare(self, name: str) -> None:
        """Another program; one of four changes in place only."""
        state = self.random.choice(("running", "stopped"))
        marker = name if self.program is None or self.random.random() < 0.75 else self._marker()
        self.program = program(marker, state, self.random.choice(("cpu.32", "gpu.a100")))
        self.story.write(self.program)

    def after_kill(self, doing: str, *, met: bool) -> str:
        self.kills_of_creates += met and doing == "up" and not self.has_job
        names = {each["name"] for each in self._instances()}
        return f"{len(names)} instances there"

    def bring_about(self, doing: str) -> None:
        self._until_done(doing)
        self.jobs += doing == "up" and not self.has_job
        self.has_job = doing == "up"
        self._check(doing)
        if doing == "destroy":
            self.program = None

    def _until_done(self, doing: str) -> None:
        for _ in range(5):
            done, output = self.story.run(doing)
            assert "Traceback" not in output
            assert "panic" not in output
            if done:
                return
            listed = {each["id"]: each for each in self._instances()}
            for id_ in dict.fromkeys(_EXISTS.findall(" ".join(_FRAME.sub(" ", output).split()))):
                name = "stays" if listed[id_]["name"] == "stays" else "new"
                if name in self.story.ids():  # an interrupted replacement, as the message says
                    self._delete(listed[id_])
                else:
                    self.story.import_(name, id_)
                self.adopted += 1
        raise AssertionError(output)

    def _delete(self, instance: dict[str, Any]) -> None:
        with self.plane.vendor("polnor/api/v1") as client:
            path = f"/compute/{instance['id']}"
            client.post(f"{path}/stop")
            wait_until(lambda: client.delete(path).is_success)

    def _check(self, doing: str) -> None:
        found, ids = {each["name"]: each for each in self._instances()}, self.story.ids()
        assert len(found) == len(self._instances()), "two instances have one name"
        with self.plane.vendor("polnor/api/v1") as client:
            rows = client.get("/audit/analytics", params=_PERIOD).raise_for_status().json()["data"]
            created = next((row["count"] for row in rows if row["action"] == "job.create"), 0)
            assert self.jobs <= created <= self.jobs + self.kills_of_creates
            if doing == "destroy":
                assert (found, ids) == ({}, {})
                return
            assert self.program is not None
            wanted = {name: fields for name, (kind, fields) in self.program.items() if kind != "job"}
            assert {each["name"] for each in wanted.values()} == set(found)
            for name, fields in wanted.items():
                there = found[fields["name"]]
                assert (there["id"], there["status"], there["flavor"]) == (ids[name], fields["state"], fields["flavor"])
            run = client.post(f"/jobs/{ids['job']}/run").raise_for_status().json()["run_id"]
            assert [task["key"] for task in client.get(f"/runs/{run}/tasks").json()] == [self._task()]
            wait_until(lambda: client.get(f"/runs/{run}").json()["status"] == "success")

    def _instances(self) -> list[dict[str, Any]]:
        with self.plane.vendor("polnor/api/v1") as client:
            found: list[dict[str, Any]] = client.get("/compute").raise_for_status().json()["data"]
        return found

    def _marker(self) -> str:
        assert self.program is not None
        return str(self.program["new"][1]["name"])

    def _task(self) -> str:
        assert self.program is not None
        return str(self.program["job"][1]["tasks"][0]["key"])


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))
