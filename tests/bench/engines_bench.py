"""Cost against the number of resources, on Pulumi and on Terraform; and what a default rate limit makes of it.

BENCH_SIZES=10,100 measures fewer; BENCH_ONLY=curves (or turn, calls, limit, start) one part.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import plot
from costs import Cost, cost_of
from report import DOCUMENT, Report
from start_up import in_turn, start_up
from subjects import PulumiSubject, Subject, TerraformSubject, connection, pulumi_subjects, restful, terraform_subjects

from support import server_admin
from support.control_plane import ControlPlane, wait_until
from support.operations import list_all
from support.pulumi import Stack
from support.terraform import Workspace

SIZES = tuple(int(size) for size in os.environ.get("BENCH_SIZES", "1,10,100,500,1000").split(","))
ONLY = os.environ.get("BENCH_ONLY", "start,curves,turn,calls,limit").split(",")
PLOTS = DOCUMENT.parent / "benchmarks"
# The largest that the control plane keeps ready.
POOL = 50
# How often each step is measured; the median counts. Finding drift is short, and can be repeated.
TIMES = {"apply": 1, "look": 5, "destroy": 1}
SUBJECTS = {
    "Pulumi": ("ours", "floor", "dynamic provider"),
    "Terraform": ("ours", "minimal Go provider", "generic Go provider"),
}
Subjects = Callable[[Path, ControlPlane, int], Mapping[str, Subject]]
Costs = dict[tuple[str, str, int], Cost]


def curves(engine: str, look: str, make: Subjects) -> None:
    """look: what finding drift is called there."""
    report = Report(
        f"{engine}: cost against the number of resources",
        f"Blueprints, so that nothing but the provider and the API is measured. `apply` makes them, `{look}` finds "
        "that nothing has changed (the median of five), `destroy` removes them. CPU: engine and plugin, and of it the "
        "plugin's. MB: the largest memory of a plugin.",
    )
    if engine == "Terraform" and restful() is None:
        report.text("terraform-provider-restful is skipped: its Go module cannot be had here.")
    found: Costs = {}
    report.table(("N", "step", "provider", "s", "beside ours", "calls", "CPU s", "plugin's", "plugin MB"))
    for count in SIZES:
        for name in SUBJECTS[engine]:
            directory = Path(tempfile.mkdtemp())
            # One for each: what is listed is its own, as in an account of that size.
            with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", quick=False) as plane:
                subject = make(directory, plane, count).get(name)
                for step in TIMES if subject else ():
                    api = plane if subject.calls_api else None
                    costs = [cost_of(getattr(subject, step), subject.plugin, api) for _ in range(TIMES[step])]
                    cost = sorted(costs, key=lambda each: each.seconds)[len(costs) // 2]
                    found[step, name, count] = cost
                    ours = found[step, "ours", count]
                    report.cells(
                        *(count, look if step == "look" else step, name, f"{cost.seconds:.1f}"),
                        f"{cost.seconds / ours.seconds:.2f}x",
                        *("" if cost.calls is None else cost.calls, f"{cost.cpu:.1f}", f"{cost.plugin_cpu:.1f}"),
                        f"{cost.plugin_mb:.0f}",
                    )
            shutil.rmtree(directory)
    _targets(report, found, look, "floor" if engine == "Pulumi" else "minimal Go provider")
    _plots(report, engine, look, found)
    report.write()


def drift_in_turn(count: int, times: int = 9) -> None:
    """What the curves measure one after the other is too near to each other for that."""
    report = Report(
        f"Finding drift among {count} blueprints, in turn",
        f"Ours and a provider that has nothing to do, alternately, so that what else the machine does meets both: the "
        f"medians of {times}.",
    )
    for engine, look, make, floor, target in (
        ("Terraform", "plan", terraform_subjects, "minimal Go provider", "1x"),
        ("Pulumi", "refresh", pulumi_subjects, "floor", "1.5x"),
    ):
        directory = Path(tempfile.mkdtemp())
        with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", quick=False) as plane:
            subjects = make(directory, plane, count)
            for name in ("ours", floor):
                subjects[name].apply()
            found = in_turn({name: subjects[name].look for name in ("ours", floor)}, times)
        shutil.rmtree(directory)
        ours, beside = found["ours"] / 1000, found[floor] / 1000
        report.row(f"{engine} {look}", f"{ours:.2f} s", f"{floor} {beside:.2f} s", ours / beside, target)
    report.write()


def _targets(report: Report, found: Costs, look: str, floor: str) -> None:
    report.text("")
    largest = max(SIZES)
    for size in sorted({500, largest} & set(SIZES)):
        _beside(report, found, look, floor, "1.5x" if floor == "floor" else "1x", size)
        _beside(report, found, look, "generic Go provider", "0.2x", size)
    smaller = [size for size in SIZES if size < largest]
    if smaller:
        _linear(report, found, look, max(smaller), largest)
    most = max(cost.plugin_mb for (_, name, _), cost in found.items() if name == "ours")
    report.row("plugin's memory at most", f"{most:.0f} MB", target="120 MB")


def _beside(report: Report, found: Costs, look: str, other: str, target: str, size: int) -> None:
    if (beside := found.get(("look", other, size))) is None:
        return
    ours = found["look", "ours", size].seconds
    report.row(
        f"{look} of {size}, ours", f"{ours:.1f} s", f"{other} {beside.seconds:.1f} s", ours / beside.seconds, target
    )


def _linear(report: Report, found: Costs, look: str, smaller: int, larger: int) -> None:
    """What N more resources cost, beside what the first N did: over 1 where cost grows faster than N."""
    for step in ("apply", "look"):
        few, many = found[step, "ours", smaller], found[step, "ours", larger]
        for unit, cost in (
            ("calls", (few.calls or 1, many.calls or 1)),
            ("CPU s", (few.cpu, many.cpu)),
            ("the plugin's CPU s", (few.plugin_cpu, many.plugin_cpu)),
        ):
            what = f"{look if step == 'look' else step}, {unit} a resource at {larger}"
            measured, beside = cost[1] / larger, cost[0] / smaller
            report.row(what, f"{measured:.4f}", f"{beside:.4f} at {smaller}", measured / beside, "about 1x or less")


def _plots(report: Report, engine: str, look: str, found: Costs) -> None:
    names = dict.fromkeys(name for _, name, _ in found)
    kinds: dict[str, Callable[[Cost], float | None]] = {
        "seconds": lambda cost: cost.seconds,
        "calls": lambda cost: cost.calls,
        "CPU seconds": lambda cost: cost.cpu,
        "MB": lambda cost: cost.plugin_mb,
    }
    for step in ("apply", "look"):
        for unit, value in kinds.items():
            lines = {
                name: [
                    (count, number)
                    for count in SIZES
                    if (step, name, count) in found and (number := value(found[step, name, count])) is not None
                ]
                for name in names
            }
            path = PLOTS / f"{engine.lower()}-{step}-{unit.replace(' ', '-').lower()}.svg"
            title = f"{engine} {look if step == 'look' else step}: {unit}"
            plot.write(path, title, unit, {name: line for name, line in lines.items() if line})
            report.text(f"![{title}](benchmarks/{path.name})")


def database_calls(count: int = 500) -> None:
    """Databases, whose lists mask what a state holds."""
    report = Report(
        f"Finding drift among {count} databases",
        f"{count} real databases, made by Terraform and taken over by Pulumi; nothing has changed.",
    )
    directory = Path(tempfile.mkdtemp())
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "30", quick=False) as plane:
        workspace = Workspace("terraform", directory / "terraform", connection(plane))
        workspace.write(f"""
          resource "polykomos_database" "db" {{
            count = {count}
            name  = "drift-${{count.index}}"
          }}
          output "uuids" {{ value = polykomos_database.db[*].uuid }}
        """)
        terraform = TerraformSubject(workspace, "terraform-provider-polykomos", calls_api=True)
        terraform.apply()
        uuids = workspace.outputs()["uuids"]
        stack = Stack(directory / "pulumi", connection(plane))
        program = {f"db{n}": ("Database", {"name": f"drift-{n}"}, {"import": uuid}) for n, uuid in enumerate(uuids)}
        stack.write(program)
        pulumi = PulumiSubject(stack, "pulumi-resource-polykomos", calls_api=True)
        pulumi.apply()
        for name, subject in (("Terraform plan", terraform), ("Pulumi refresh", pulumi)):
            cost = cost_of(subject.look, subject.plugin, plane)
            report.row(name, f"{cost.calls} calls, {cost.seconds:.1f} s, {cost.plugin_mb:.0f} MB",
                       f"{count} calls, one each", (cost.calls or 0) / count, "8 calls")  # fmt: skip
        report.write()
        plane.stop(patience=120)
    shutil.rmtree(directory)


def rate_limit(count: int = 200, limit: int = 120) -> None:
    """A default key."""
    report = Report(
        f"{count} databases with {limit} calls a minute",
        f"From a pool of {POOL}: those cost one call, the others are waited for and cost two or three. What the limit "
        "allows: a minute for each time that it is used up, then the calls that are left, as fast as without a limit.",
    )
    for engine in ("Terraform", "Pulumi"):
        seconds: dict[int, float] = {}
        for allowed in (0, limit):
            directory = Path(tempfile.mkdtemp())
            data = ("--data-dir", str(directory / "data"))
            with ControlPlane(*data, "--rate-limit", str(allowed), "--pool-size", str(POOL), quick=False) as plane:
                fill_pool(plane, POOL)
                subject = _databases(engine, directory, plane, count)
                cost = cost_of(subject.apply, subject.plugin, plane)
                seconds[allowed] = cost.seconds
                made = cost.calls
                if allowed:
                    after = cost_of(subject.look, subject.plugin, plane)
                plane.stop(patience=120)
            shutil.rmtree(directory)
        bound = allowed_seconds(made or count, limit, seconds[0])
        report.row(f"{engine} apply", f"{seconds[limit]:.0f} s, {made} calls, no error",
                   f"{bound:.0f} s; {seconds[0]:.0f} s without a limit", seconds[limit] / bound, "1.1x")  # fmt: skip
        report.row(f"{engine}, the drift check that follows", f"{after.seconds:.1f} s, {after.calls} calls",
                   target="10 s")  # fmt: skip
        report.write()
    _peers_limited(report, count, limit)
    report.write()


def _peers_limited(report: Report, count: int, limit: int) -> None:
    """Blueprints, because the peers' programs make those: one call each, so that only the limit is in the way."""
    report.text(f"The peers, with {count} blueprints of one call each and the same limit:")
    report.table(("provider", "s", "calls", f"made, of {count}"))
    makers: dict[str, Subjects] = {"Terraform": terraform_subjects, "Pulumi": pulumi_subjects}
    for engine, make in makers.items():
        for name in (each for each in SUBJECTS[engine] if each not in ("floor", "minimal Go provider")):
            directory = Path(tempfile.mkdtemp())
            with ControlPlane("--ephemeral", "--rate-limit", str(limit), "--pool-size", "1", quick=False) as plane:
                subject = make(directory, plane, count).get(name)
                if subject is not None:
                    cost = cost_of(subject.try_apply, subject.plugin, plane)
                    plane.advance(120)  # the key's minute is over
                    with plane.client() as api:
                        made = sum(not each["is_system_blueprint"] for each in list_all(api, "/blueprints"))
                    report.cells(f"{engine}, {name}", f"{cost.seconds:.0f}", cost.calls, made)
            shutil.rmtree(directory)


def allowed_seconds(calls: int, limit: int, unlimited: float) -> float:
    """The shortest time that a limit a minute leaves for so many calls. unlimited: what they take without one."""
    minutes = (calls - 1) // limit
    return 60.0 * minutes + unlimited * (calls - minutes * limit) / calls


def fill_pool(plane: ControlPlane, count: int) -> None:
    """Have so many databases ready."""
    with server_admin.connect(plane) as connection:
        ready = "SELECT count(*) FROM pool_instances WHERE is_ready"
        wait_until(lambda: (connection.execute(ready).fetchone() or (0,))[0] >= count, seconds=300, every=0.5)


def _databases(engine: str, directory: Path, plane: ControlPlane, count: int) -> Subject:
    if engine == "Pulumi":
        stack = Stack(directory / "pulumi", connection(plane))
        stack.write({f"db{n}": ("Database", {"name": f"limit-{n}"}) for n in range(count)})
        return PulumiSubject(stack, "pulumi-resource-polykomos", calls_api=True)
    workspace = Workspace("terraform", directory / "terraform", connection(plane))
    workspace.write(f'resource "polykomos_database" "db" {{\n count = {count}\n name = "limit-${{count.index}}"\n}}\n')
    return TerraformSubject(workspace, "terraform-provider-polykomos", calls_api=True)


def main() -> None:
    if "start" in ONLY:
        start_up()
    if "curves" in ONLY:
        curves("Pulumi", "refresh", pulumi_subjects)
        curves("Terraform", "plan", terraform_subjects)
    if "turn" in ONLY:
        drift_in_turn(min(500, max(SIZES)))
    if "calls" in ONLY:
        database_calls(min(500, max(SIZES)))
    if "limit" in ONLY:
        rate_limit()


if __name__ == "__main__":
    main()
