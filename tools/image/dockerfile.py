"""Reading a Dockerfile: its stages and instructions, as far as ours uses the language."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction, such as RUN, and the rest of its line, continuations joined."""

    name: str
    text: str

    def words(self) -> list[str]:
        """Return the arguments: of the JSON form, or split as a shell does."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)

    def options(self) -> tuple[dict[str, str], list[str]]:
        """Return the `--name=value` options and the other words."""
        words = self.words()
        pairs = [word[2:].partition("=") for word in words if word.startswith("--")]
        return {name: value for name, _, value in pairs}, [word for word in words if not word.startswith("--")]


@dataclass
class Stage:
    """A stage of the build: the image that it starts from, its own name, and what it does."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, name: str) -> Instruction | None:
        """Return the last instruction of that name, which is the one that counts."""
        return next((each for each in reversed(self.instructions) if each.name == name), None)


def read(path: Path) -> list[Stage]:
    """Return the stages.

    Raises:
        ValueError: The file has an instruction before the first stage that is not ARG.
    """
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for instruction in _instructions(path.read_text(encoding="utf-8")):
        if instruction.name == "FROM":
            base, _, name = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], instruction.text).partition(
                " AS "
            )
            stages.append(Stage(base, name))
        elif stages:
            stages[-1].instructions.append(instruction)
        elif instruction.name == "ARG":
            name, _, value = instruction.text.partition("=")
            arguments[name] = value
        else:
            raise ValueError(f"{instruction.name} stands before FROM")
    return stages


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = []
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        found.append(Instruction(name.upper(), rest.strip()))
    return found
