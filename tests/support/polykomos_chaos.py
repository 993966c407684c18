"""Polykomos' databases, blueprints and endpoints in the rounds of `support.engine_chaos`.

Nothing is lost, nothing is there twice, nothing is left over, here and on the database server.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from support import server_admin
from support.control_plane import ControlPlane, wait_until
from support.engine_chaos import VICTIMS
from support.programs import Program
from support.scenarios import Marks, SavedPlanStory, is_exactly, new_story, there, until_done
from support.terraform import NEWEST

# A quarter of the changes replaces a database, a quarter an endpoint.
_PLANS = ("free", "free", "free", "launch")
_HOOKS = ("one", "one", "one", "another")
# Of the provider, where the engine has an instance for each.
_VERSIONS = ("", "0.1.0", "0.2.0")


class PolykomosSubject:
    """See `support.engine_chaos.Subject`. unsaved: how many objects the kills left that the state did not contain."""

    engines = ("pulumi", "terraform", "tofu", NEWEST)
    arguments = ("--rate-limit", "0", "--pool-size", "2")
    creations = ("createDatabase", "createBlueprint", "createDatabaseBlueprintApplication", "createWebhookEndpoint")
    commands = ("up", "up", "refresh", "destroy")

    def __init__(self, engine: str, directory: Path, plane: ControlPlane, draw: random.Random) -> None:
        env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
        self.story = new_story(engine, directory, env)
        self.plane, self.random = plane, draw
        self.program: Program | None = None
        self.marks: Marks = {}
        self.unsaved = 0

    @property
    def victims(self) -> Sequence[str]:
        # An engine that goes on after its plugin's end writes a state, and a saved plan cannot be applied over that.
        return ("engine", "both") if isinstance(self.story, SavedPlanStory) else VICTIMS

    @property
    def is_declared(self) -> bool:
        return self.program is not None

    def declare(self, name: str) -> None:
        """Another program, and what its applications are to leave."""
        before, marks = self.program, self.marks
        plan, hook = self.random.choice(_PLANS), self.random.choice(_HOOKS)
        version = self.random.choice(_VERSIONS)
        self.program = now = Program(name, self.random.randint(1, 20), plan, hook, version=version)
        self.story.write(now)
        kept = before is not None and before.plan == now.plan
        self.marks = {
            now.name: [*(marks[before.name] if before is not None and kept else []), now.name],
            now.other: [*(marks[before.other] if before is not None else []), now.name],
        }

    def after_kill(self, doing: str, *, met: bool) -> str:
        del doing, met
        saved = self.story.saved_ids()
        unsaved = sum(len(ids.keys() - saved[kind]) for kind, ids in there(self.plane).items())
        self.unsaved += unsaved
        if self.program is not None:
            # What a kill has left is found by another version too.
            self.story.write(replace(self.program, version=self.random.choice(_VERSIONS)))
        return f"{unsaved} not in the state"

    def bring_about(self, doing: str) -> None:
        until_done({"up": self.story.up, "refresh": self.story.refresh, "destroy": self.story.destroy}[doing])
        if doing != "destroy":
            assert self.program is not None
            is_exactly(self.story, self.plane, self.program, self.marks)
            return
        assert not any(there(self.plane).values())
        assert not any(self.story.saved_ids().values())
        wait_until(lambda: not server_admin.unaccounted(self.plane))
        self.program, self.marks = None, {}
