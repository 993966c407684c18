"""A random story under one engine: what it wrote at the API and what was there after each step."""

from __future__ import annotations

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
from support.random_stories import Program
from support.terraform import ALL_ENGINES, Workspace

# Of OpenTofu the newest is enough: the oldest differs in nothing that a story has.
ENGINES: Final = ("pulumi", *(engine for engine in ALL_ENGINES if engine != "tofu-1.10"))
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=/webhook_endpoints/)\d+")
_NUMBERED: Final = re.compile(r'"(db_username|db_name)": "[^"]*"')


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        writes: The calls that changed something, with their bodies, and how often.
        objects: What was there afterwards, without ids, times and secrets.
        rows: What applications wrote into each database.
    """

    writes: Counter[str]
    objects: dict[str, list[str]]
    rows: list[tuple[str, tuple[str, ...]]]


class EngineRun:
    """One story under one engine, in a directory of its own."""

    def __init__(self, engine: str, directory: Path, plane: ControlPlane, attached: str) -> None:
        env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
        self._plane = plane
        self._stack = Stack(directory, env) if engine == "pulumi" else None
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
                self._workspace.apply()
            elif self._stack:
                self._stack.write(story_programs.yaml(program))
                self._stack.up()

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
        assert not [each for each in later if _changes(each)], "the second run wrote something"
        return Step(writes(entries, names), there(self._plane), rows(self._plane))

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
        found[f"{entry['method']} " + _ID.sub(lambda match: _name(match[0], names), text)] += 1
    return found


def _name(id_: str, names: Mapping[str, str]) -> str:
    """Return the name of the object with an id that stands in a call: a UUID, or an endpoint's number."""
    return names.get(id_) or names.get(f"createWebhookEndpoint {id_}") or id_


def _changes(entry: Mapping[str, Any]) -> bool:
    """Tell whether a call changed something. What only validates, and what was refused, did not."""
    tried = entry["operation"] == "createBlueprintValidation" or '"dry_run": true' in (entry["request_body"] or "")
    return entry["method"] != "GET" and entry["status"] < 400 and not tried


def there(plane: ControlPlane) -> dict[str, list[str]]:
    """Return what there is, without names that have a number of the control plane's own series."""
    found = objects(plane)
    return {path: sorted(_NUMBERED.sub(r'"\1": ""', each) for each in listed) for path, listed in found.items()}


def rows(plane: ControlPlane) -> list[tuple[str, tuple[str, ...]]]:
    """Return what applications wrote, by the name of the database."""
    found = []
    with plane.client() as api:
        for database in api.get("/databases", params={"limit": 100}).json()["data"]:
            login = api.get(f"/databases/{database['uuid']}").json()["data"]["connection_string"]
            with psycopg.connect(login) as connection:
                table = connection.execute("SELECT to_regclass('log') IS NOT NULL").fetchone()
                written = connection.execute("SELECT who FROM log").fetchall() if table and table[0] else []
                found.append((database["name"], tuple(sorted(row[0] for row in written))))
    return sorted(found)
