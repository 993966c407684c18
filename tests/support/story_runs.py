"""A random story under one engine: what it wrote at the API and what was there after each step."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from support import story_programs
from support.calls import recorded
from support.control_plane import ControlPlane
from support.objects import left, objects
from support.pulumi import Stack
from support.random_stories import Program, Story, prefix
from support.terraform import ALL_ENGINES, Workspace

# Of OpenTofu the newest is enough: the oldest differs in nothing that a story has.
ENGINES: Final = ("pulumi", *(engine for engine in ALL_ENGINES if engine != "tofu-1.10"))
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=/webhook_endpoints/)\d+")
# A set: Terraform sends its elements in order.
_EVENTS: Final = re.compile(r'(?<="events": \[)[^\]]+')
_NUMBERED: Final = re.compile(r'"(db_username|db_name)": "[^"]*"')


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        writes: The calls that changed something, with their bodies, and how often.
        objects: What was there afterwards, without ids, times and secrets.
        rows: What there is in each database that this step applied a blueprint to.
    """

    writes: Counter[str]
    objects: dict[str, list[str]]
    rows: list[tuple[str, tuple[str, ...]]]

    def lines(self) -> list[str]:
        """Return all of it as text."""
        writes = [f"{count} x {write}" for write, count in sorted(self.writes.items())]
        listed = [f"{path}: {each}" for path, found in self.objects.items() for each in found]
        return [*writes, *listed, *map(str, self.rows)]

    def of(self, number: int) -> Step:
        """Return what belongs to one of several stories, by its prefix."""
        is_its = re.compile(rf"\b{prefix(number)}").search
        return Step(
            Counter({write: count for write, count in self.writes.items() if is_its(write)}),
            {path: [each for each in listed if is_its(each)] for path, listed in self.objects.items()},
            [row for row in self.rows if is_its(row[0])],
        )


class EngineRun:
    """One story under one engine, in a directory of its own."""

    def __init__(self, engine: str, directory: Path, plane: ControlPlane, attached: str) -> None:
        env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
        self._plane = plane
        self._stack = Stack(directory, env, quick=True) if engine == "pulumi" else None
        attach = {**env, "TF_REATTACH_PROVIDERS": attached}
        self._workspace = None if self._stack else Workspace(engine, directory, attach)

    def story(self, programs: Iterable[Program]) -> list[Step]:
        """Apply one program after the other, and destroy everything in the end."""
        names: dict[str, str] = {}
        return [*(self._step(names, self._applied(each)) for each in programs), self._step(names, self._destroy)]

    def _applied(self, program: Program) -> Callable[[], None]:
        def apply() -> None:
            if self._workspace:
                self._workspace.write(story_programs.hcl(program))
                result: Any = self._workspace.apply(ok=None)
            elif self._stack:
                self._stack.write(story_programs.yaml(program))
                result = self._stack.up(ok=None)
            assert result.status == 0, result.diagnostics

        return apply

    def _destroy(self) -> None:
        (self._workspace or self._stack).destroy()  # type: ignore[union-attr]
        assert left(self._plane) == []

    def _step(self, names: dict[str, str], work: Callable[[], None]) -> Step:
        with recorded(self._plane) as entries:
            work()
        with recorded(self._plane) as later:
            if work != self._destroy:
                self._settled()
        again = [f"{each['method']} {each['target']} {each['request_body']}" for each in later if _changes(each)]
        assert not again, f"the second run wrote {again}"
        return Step(writes(entries, names), there(self._plane), rows(self._plane, _applied_to(entries)))

    def _settled(self) -> None:
        """Nothing is left to do."""
        if self._workspace:
            self._workspace.settled()
        elif self._stack:
            self._stack.assert_no_changes()


def writes(entries: Iterable[Mapping[str, Any]], names: dict[str, str]) -> Counter[str]:
    """Return the calls that changed something, with names in place of ids.

    Args:
        entries: Entries of the request log.
        names: The name of each object by its id; new objects are added.
    """
    found: Counter[str] = Counter()
    for entry in filter(_changes, entries):
        if entry["method"] == "POST":
            made = json.loads(entry["response_body"])["data"]
            # Numbers are of one type only: an application may have an endpoint's.
            id_ = str(made.get("uuid") or f"{entry['operation']} {made['id']}")
            # A replacement begins with the key of the object that it replaces: the response is that object once more.
            if id_ in names:
                continue
            names[id_] = f"{entry['operation']} {made.get('name') or made.get('url') or ''}"
        text = f"{entry['target'].partition('?')[0]} {entry['request_body'] or ''}"
        found[f"{entry['method']} " + _ID.sub(lambda match: _name(match[0], names), _sorted(text))] += 1
    return found


def _sorted(text: str) -> str:
    """Return a call or an object with its set in order."""
    return _EVENTS.sub(lambda match: ", ".join(sorted(match[0].split(", "))), text)


def differences(runs: Mapping[str, list[Step]], stories: Mapping[int, Story]) -> list[str]:
    """Return where engines differ: the story's number, its first different step, and the story as HCL.

    Args:
        runs: What each engine did in each step of all stories together. The first one is compared with the others.
        stories: The stories by number.
    """
    (first, expected), *others = runs.items()
    found = []
    for engine, steps in others:
        if steps == expected:
            continue
        apart = [(number, _apart(expected, steps, number)) for number in stories]
        found += [
            f"story {number}, step {step + 1}: {first} and {engine} differ in\n{text}\n{shown(stories[number])}"
            for number, difference in apart
            if difference
            for step, text in [difference]
        ] or [f"{first} and {engine} differ in what belongs to no story: {expected} {steps}"]
    return found


def _apart(one: list[Step], other: list[Step], number: int) -> tuple[int, str] | None:
    """Return the first step in which a story differs, and how; None if it does not."""
    for step, (before, after) in enumerate(zip(one, other, strict=True)):
        ours, theirs = before.of(number), after.of(number)
        if ours != theirs:
            return step, "\n".join(difflib.unified_diff(ours.lines(), theirs.lines(), n=0, lineterm=""))
    return None


def shown(story: Story) -> str:
    """Return a story as HCL."""
    return "\n# then\n".join(map(story_programs.hcl, story))


def _name(id_: str, names: Mapping[str, str]) -> str:
    """Return the name of the object with an id that stands in a call: a UUID, or an endpoint's number."""
    return names.get(id_) or names.get(f"createWebhookEndpoint {id_}") or id_


def _changes(entry: Mapping[str, Any]) -> bool:
    """Tell whether a call changed something. What only validates, and what was refused, did not."""
    tried = entry["operation"] == "createBlueprintValidation" or '"dry_run": true' in (entry["request_body"] or "")
    return entry["method"] != "GET" and entry["status"] < 400 and not tried


def _applied_to(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the UUIDs of the databases that blueprints were applied to."""
    applied = (each for each in entries if _changes(each) and each["operation"] == "createDatabaseBlueprintApplication")
    return {_ID.findall(each["target"])[0] for each in applied}


def there(plane: ControlPlane) -> dict[str, list[str]]:
    """Return what there is, without names that have a number of the control plane's own series."""
    found = objects(plane)
    return {
        path: sorted(_sorted(_NUMBERED.sub(r'"\1": ""', each)) for each in listed) for path, listed in found.items()
    }


def rows(plane: ControlPlane, uuids: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what applications have written into these databases, by the databases' names."""
    found = []
    with plane.client() as api:
        for uuid in uuids:
            reply = api.get(f"/databases/{uuid}")
            if reply.status_code == 404:  # replaced in the same step
                continue
            database = reply.raise_for_status().json()["data"]
            with psycopg.connect(database["connection_string"]) as connection:
                written = connection.execute("SELECT who FROM log").fetchall()
            found.append((database["name"], tuple(sorted(row[0] for row in written))))
    return sorted(found)
