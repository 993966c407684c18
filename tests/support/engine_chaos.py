"""Chaos on the engines' side: engine, plugin or control plane is killed at a random moment of up, refresh or destroy.

Then the command is run again until it goes through, and what is there must be what the program says: nothing lost,
nothing twice, nothing left over, here and on the database server.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from support import server_admin
from support.control_plane import ControlPlane, wait_until
from support.leaks import leaks
from support.process_kill import kill
from support.programs import Program
from support.scenarios import Marks, SavedPlanStory, Story, is_exactly, new_story, there, until_done
from support.terraform import NEWEST

ENGINES = ("pulumi", "terraform", "tofu", NEWEST)
# In one round of three provisioning takes so long, in another the answer to each creation that was carried out: that is
# when a kill loses it. Seconds.
_DELAY = 1.0
_CREATIONS = ("createDatabase", "createBlueprint", "createDatabaseBlueprintApplication", "createWebhookEndpoint")
# After a kill that came in time, the next one of that command may come this much later.
_LATER = 1.1
# A quarter of the changes replaces a database, a quarter an endpoint.
_PLANS = ("free", "free", "free", "launch")
_HOOKS = ("one", "one", "one", "another")
_VICTIMS = ("engine", "plugin", "both", "control plane")
# Of the provider, where the engine has an instance for each.
_VERSIONS = ("", "0.1.0", "0.2.0")


class Chaos:
    """One engine's rounds over one control plane.

    Args:
        engine: The engine.
        directory: Where all files are.
        seed: The random seed. What a round draws depends on its number and the seed only.
        first: The number of the first round: those before it have been run with the same seed.

    Attributes:
        met: How many kills came before the command had ended.
        unsaved: How many objects they left that the state did not contain.
        seconds: How long each command takes, as far as it is known: how late it may be killed.
    """

    def __init__(self, engine: str, directory: Path, seed: int, first: int = 0) -> None:
        self.random = random.Random(seed)
        self.seed, self.first = seed, first
        arguments = ("--data-dir", str(directory / "data"), "--rate-limit", "0", "--pool-size", "2")
        self.plane = ControlPlane(*arguments, quick=False)
        self.engine, self.directory = engine, directory
        self.program: Program | None = None
        self.marks: Marks = {}
        self.seconds: dict[str, float] = {}
        self.met = self.unsaved = 0

    def run(self, rounds: int) -> None:
        """Run `rounds` rounds, and print one line for each. Raises what went wrong with a note of seed and round."""
        with self.plane as plane:
            env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
            story = new_story(self.engine, self.directory / "story", env)
            for doing in ("up", "refresh", "destroy"):
                self._declare(story, doing, "clean")
                self.seconds[doing] = self._brought_about(story, doing)
            for number in range(self.first, self.first + rounds):
                self.random.seed(f"{self.seed} {number}")
                doing = "up" if self.program is None else self.random.choice(("up", "up", "refresh", "destroy"))
                try:
                    self._round(story, doing, number)
                except BaseException as failure:
                    failure.add_note(f"{self.engine}, {doing} in round {number} of SEED={self.seed}")
                    raise
        print(f"{self.engine}: {self.unsaved} objects were created and not in the state", flush=True)
        assert leaks(self.directory, ControlPlane.keys, ControlPlane.secrets) == []

    def _round(self, story: Story, doing: str, number: int) -> None:
        self._declare(story, doing, f"round-{number}")
        trouble = number % 3
        if trouble:
            self._delay(late_answers=trouble == 1)
        process = story.start(doing)
        # What is created one after the other: a database or a blueprint, and its application.
        longer = {"up": (0.0, 2 * _DELAY, _DELAY)[trouble]}.get(doing, 0.0)
        ran = self._running(process, self.random.uniform(0.05, 0.95) * (self.seconds[doing] + longer))
        met = process.poll() is None
        self.met += met
        # The machine may be busier than it was, or less.
        self.seconds[doing] = self.seconds[doing] * _LATER if met else max(ran - longer, _DELAY)
        # An engine that goes on after its plugin's end writes a state, and a saved plan cannot be applied over that.
        victims = ("engine", "both") if isinstance(story, SavedPlanStory) else _VICTIMS
        victim = self.random.choice(victims)
        if victim in ("engine", "both"):
            process.kill()
        if victim in ("plugin", "both"):
            kill(story.plugins())
        if victim == "control plane":
            self.plane.kill()
            self.plane.start()
        output, _ = process.communicate(timeout=120)
        assert "Traceback" not in output
        kill(story.plugins())
        story.killed()
        self._no_delay()
        saved = story.saved_ids()
        unsaved = sum(len(ids.keys() - saved[kind]) for kind, ids in there(self.plane).items())
        self.unsaved += unsaved
        if self.program is not None:
            # What a kill has left is found by another version too.
            story.write(replace(self.program, version=self.random.choice(_VERSIONS)))
        seconds = self._brought_about(story, doing)
        when = f"{victim} killed" if met else "ended"
        print(
            f"{self.engine} round {number}: {doing} {when} after {ran:.1f} s, {unsaved} not in the state,"
            f" right in {seconds:.1f} s",
            flush=True,
        )

    def _running(self, process: subprocess.Popen[str], seconds: float) -> float:
        """Wait until the command ends, at most so long. Returns how long it was."""
        began = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return time.monotonic() - began

    def _declare(self, story: Story, doing: str, name: str) -> None:
        """Another program, where it is about to be brought about; what its applications are to leave."""
        if doing != "up":
            return
        before, marks = self.program, self.marks
        plan, hook = self.random.choice(_PLANS), self.random.choice(_HOOKS)
        version = self.random.choice(_VERSIONS)
        self.program = now = Program(name, self.random.randint(1, 20), plan, hook, version=version)
        story.write(now)
        kept = before is not None and before.plan == now.plan
        self.marks = {
            now.name: [*(marks[before.name] if before is not None and kept else []), now.name],
            now.other: [*(marks[before.other] if before is not None else []), now.name],
        }

    def _brought_about(self, story: Story, doing: str) -> float:
        """How many seconds it took."""
        began = time.monotonic()
        until_done({"up": story.up, "refresh": story.refresh, "destroy": story.destroy}[doing])
        seconds = time.monotonic() - began
        if doing != "destroy":
            assert self.program is not None
            is_exactly(story, self.plane, self.program, self.marks)
            return seconds
        assert not any(there(self.plane).values())
        assert not any(story.saved_ids().values())
        wait_until(lambda: not server_admin.unaccounted(self.plane))
        self.program, self.marks = None, {}
        return seconds

    def _delay(self, *, late_answers: bool) -> None:
        with self.plane.admin() as admin:
            if not late_answers:
                admin.patch("/provisioning", json={"delay_seconds": _DELAY, "pool_size": 0}).raise_for_status()
                return
            for operation in _CREATIONS:
                rule = {"operation": operation, "effect": "latency", "seconds": _DELAY, "count": None}
                admin.post("/faults", json=rule).raise_for_status()

    def _no_delay(self) -> None:
        with self.plane.admin() as admin:
            admin.delete("/faults").raise_for_status()
            admin.patch("/provisioning", json={"delay_seconds": None, "pool_size": None}).raise_for_status()
