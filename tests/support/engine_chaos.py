"""Chaos on the engines' side: engine, plugin or control plane is killed at a random moment of up, refresh or destroy.

Then the command is run again until it goes through, and what is there must be what the program says: nothing lost,
nothing twice, nothing left over.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from support.control_plane import ControlPlane
from support.killing import kill
from support.stories import Story, is_exactly, new_story, there, until_done

ENGINES = ("pulumi", "terraform", "tofu")
_LONGEST = {"up": 4.0, "refresh": 2.5, "destroy": 3.0}  # seconds that a command takes, and a little more


class Chaos:
    """One engine's rounds over one control plane."""

    def __init__(self, engine: str, directory: Path, seed: int) -> None:
        self.random = random.Random(seed)
        arguments = ("--data-dir", str(directory / "data"), "--rate-limit", "0", "--pool-size", "2")
        self.plane = ControlPlane(*arguments)
        self.engine, self.directory = engine, directory
        self.program: tuple[str, int] | None = None

    def run(self, rounds: int) -> None:
        """All rounds. Raises AssertionError."""
        with self.plane as plane:
            env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
            self.story = new_story(self.engine, self.directory / "story", env)
            for number in range(rounds):
                self._round(self.story, number)

    def _round(self, story: Story, number: int) -> None:
        doing = "up" if self.program is None else self.random.choice(("up", "up", "refresh", "destroy"))
        if doing == "up":
            self.program = (f"round-{number}", self.random.randint(1, 20))
            story.write(*self.program)
        process = story.start(doing)
        time.sleep(self.random.uniform(0.1, _LONGEST[doing]))
        victim = self.random.choice(("engine", "plugin", "both", "control plane"))
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
        again = {"up": story.up, "refresh": story.refresh, "destroy": story.destroy}[doing]
        until_done(again)
        if doing == "destroy":
            assert not any(there(self.plane).values())
            self.program = None
        else:
            assert self.program is not None
            is_exactly(story, self.plane, *self.program)
