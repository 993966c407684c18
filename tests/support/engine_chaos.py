"""Chaos on the engines' side: engine, plugin or control plane is killed at a random moment of a command.

Then the command is run again until it goes through, and what is there must be what the program says. What the program
is and how that is checked is the subject's: `support.polykomos_chaos`, `support.polnor_chaos`.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from support.control_plane import ControlPlane, wait_until
from support.leaks import leaks
from support.process_kill import kill

VICTIMS = ("engine", "plugin", "both", "control plane")
# In one round of three provisioning takes so long, in another the answer to each creation that was carried out: that is
# when a kill loses it. Seconds.
_DELAY = 1.0
# After a kill that came in time, the next one of that command may come this much later.
_LATER = 1.1


class Story(Protocol):
    """An engine with the subject's program."""

    def start(self, doing: str) -> subprocess.Popen[str]:
        """The command, left running."""

    def plugins(self) -> list[int]:
        """The processes of the provider that run for it."""

    def killed(self) -> None:
        """Take away what an engine that was killed has left, as its users do: a lock, half a state."""


class Subject(Protocol):
    """A program under one engine, over one control plane.

    engines: those that it runs on; arguments: of the control plane; creations: its operations that create something;
    commands: what rounds draw from; victims: what may be killed; is_declared: whether there is a program.
    """

    engines: ClassVar[Sequence[str]]
    arguments: ClassVar[Sequence[str]]
    creations: ClassVar[Sequence[str]]
    commands: ClassVar[Sequence[str]]

    def __init__(self, engine: str, directory: Path, plane: ControlPlane, draw: random.Random) -> None: ...

    @property
    def story(self) -> Story: ...

    @property
    def victims(self) -> Sequence[str]: ...

    @property
    def is_declared(self) -> bool: ...

    def declare(self, name: str) -> None:
        """Write another program."""

    def after_kill(self, doing: str, *, met: bool) -> str:
        """Note what the kill has left. met: it came before the command's end. What is printed of it."""

    def bring_about(self, doing: str) -> None:
        """Run the command until it is done, and check what is there."""


class Chaos:
    """One engine's rounds over one control plane.

    Args:
        engine: The engine.
        directory: Where all files are.
        seed: The random seed. What a round draws depends on its number and the seed only.
        of: The program, and how it is checked.
        first: The number of the first round: those before it have been run with the same seed.

    Attributes:
        met: How many kills came before the command had ended.
        seconds: How long each command takes, as far as it is known: how late it may be killed.
    """

    def __init__(self, engine: str, directory: Path, seed: int, of: type[Subject], first: int = 0) -> None:
        self.random = random.Random(seed)
        self.seed, self.first = seed, first
        self.plane = ControlPlane("--data-dir", str(directory / "data"), *of.arguments, quick=False)
        self.engine, self.directory, self.kind = engine, directory, of
        self.seconds: dict[str, float] = {}
        self.met = 0

    def run(self, rounds: int) -> None:
        """Run `rounds` rounds, and print one line for each. Raises what went wrong with a note of seed and round."""
        with self.plane:
            subject = self.kind(self.engine, self.directory / "story", self.plane, self.random)
            for doing in dict.fromkeys(self.kind.commands):
                if doing == "up":
                    subject.declare("clean")
                self.seconds[doing] = self._brought_about(subject, doing)
            for number in range(self.first, self.first + rounds):
                self.random.seed(f"{self.seed} {number}")
                doing = self.random.choice(self.kind.commands) if subject.is_declared else "up"
                try:
                    self._round(subject, doing, number)
                except BaseException as failure:
                    failure.add_note(f"{self.engine}, {doing} in round {number} of SEED={self.seed}")
                    raise
        assert leaks(self.directory, ControlPlane.keys, ControlPlane.secrets) == []

    def _round(self, subject: Subject, doing: str, number: int) -> None:
        if doing == "up":
            subject.declare(f"round-{number}")
        trouble = number % 3
        if trouble:
            self._delay(late_answers=trouble == 1)
        process = subject.story.start(doing)
        # What is created one after the other: a database or a blueprint, and its application.
        longer = {"up": (0.0, 2 * _DELAY, _DELAY)[trouble]}.get(doing, 0.0)
        ran = self._running(process, self.random.uniform(0.05, 0.95) * (self.seconds[doing] + longer))
        met = process.poll() is None
        self.met += met
        # The machine may be busier than it was, or less.
        self.seconds[doing] = self.seconds[doing] * _LATER if met else max(ran - longer, _DELAY)
        victim = self.random.choice(subject.victims)
        self._kill(subject.story, victim, process)
        self._no_delay()
        left = subject.after_kill(doing, met=met)
        seconds = self._brought_about(subject, doing)
        when = f"{victim} killed" if met else "ended"
        print(
            f"{self.engine} round {number}: {doing} {when} after {ran:.1f} s, {left}, right in {seconds:.1f} s",
            flush=True,
        )

    def _kill(self, story: Story, victim: str, process: subprocess.Popen[str]) -> None:
        if victim in ("engine", "both"):
            process.kill()
        if victim in ("plugin", "both"):
            kill(story.plugins())
        if victim == "control plane":
            self.plane.kill()
            wait_until(self._is_started, every=1)
        output, _ = process.communicate(timeout=120)
        assert "Traceback" not in output
        kill(story.plugins())
        story.killed()

    def _is_started(self) -> bool:
        """Start the control plane. Another program of this machine may use its port for a moment."""
        try:
            self.plane.start()
        except AssertionError as error:
            if "Address already in use" not in str(error):
                raise
            return False
        return True

    def _running(self, process: subprocess.Popen[str], seconds: float) -> float:
        """Wait until the command ends, at most so long. Returns how long it was."""
        began = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return time.monotonic() - began

    def _brought_about(self, subject: Subject, doing: str) -> float:
        """How many seconds it took."""
        began = time.monotonic()
        subject.bring_about(doing)
        return time.monotonic() - began

    def _delay(self, *, late_answers: bool) -> None:
        with self.plane.admin() as admin:
            if not late_answers:
                admin.patch("/provisioning", json={"delay_seconds": _DELAY, "pool_size": 0}).raise_for_status()
                return
            for operation in self.kind.creations:
                rule = {"operation": operation, "effect": "latency", "seconds": _DELAY, "count": None}
                admin.post("/faults", json=rule).raise_for_status()

    def _no_delay(self) -> None:
        with self.plane.admin() as admin:
            admin.delete("/faults").raise_for_status()
            admin.patch("/provisioning", json={"delay_seconds": None, "pool_size": None}).raise_for_status()
