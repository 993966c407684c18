"""Steps that announce themselves, show that they go on, and say how long they took. Several may run at once."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = Path(sys.argv[0]).resolve().name
# How often a slow step says that it goes on, in seconds: a line in a log, a spinner on a terminal.
_LINE_EVERY, _SPINNER_EVERY = 15.0, 0.2


class SetupError(Exception):
    """A step could not be done. The text names what is missing and the way out."""


def say(text: str) -> None:
    """Print one line for the person who waits."""
    _progress.line(f"{_PROGRAM}: {text}")


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a slow step, show its progress, and print how long it took."""
    say(f"{text} …")
    began = time.monotonic()
    with _progress.of(text):
        yield
    say(f"{text}: done in {time.monotonic() - began:.0f} s")


def run(command: Sequence[str | Path], *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command and return its standard output. Its output is shown only when it fails.

    Raises:
        SetupError: The command could not be started, or ended with another status than 0.
    """
    words = [str(word) for word in command]
    pipe = subprocess.PIPE
    try:
        with subprocess.Popen(words, cwd=cwd, env=env, text=True, stdout=pipe, stderr=pipe) as process:
            _running.add(process)
            try:
                output, errors = process.communicate()
            finally:
                _running.discard(process)
    except OSError as error:
        raise SetupError(f"`{words[0]}` cannot be run: {error}") from None
    if process.returncode:
        tail = "\n".join((output + errors).splitlines()[-30:])
        raise SetupError(f"`{shlex.join(words[:4])} …` failed with status {process.returncode}:\n{tail}")
    return output


def stop() -> None:
    """End the commands that other threads run: after one step's failure the others are of no use."""
    for process in list(_running):
        process.terminate()


class _Progress:
    """The steps under way, and the thread that shows them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._is_terminal = sys.stderr.isatty()
        self._changed = threading.Event()
        self._shown = 0

    def line(self, text: str) -> None:
        """Print a line, in place of the spinner where there is one."""
        with self._lock:
            self._erase()
            print(text, file=sys.stderr, flush=True)

    @contextmanager
    def of(self, text: str) -> Iterator[None]:
        """Show that this step goes on until the block ends."""
        with self._lock:
            if not self._began:
                self._changed = threading.Event()
                threading.Thread(target=self._show, args=(self._changed,), daemon=True).start()
            self._began[text] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._began[text]
                if not self._began:
                    self._changed.set()
                self._erase()

    def _show(self, ended: threading.Event) -> None:
        every = _SPINNER_EVERY if self._is_terminal else _LINE_EVERY
        for frame in itertools.cycle("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"):
            if ended.wait(every):
                return
            with self._lock:
                now = time.monotonic()
                running = [f"{text} ({now - began:.0f} s)" for text, began in self._began.items()]
                if running and self._is_terminal:
                    self._erase()
                    text = f"{frame} {'; '.join(running)}"
                    self._shown = len(text)
                    print(text, end="", file=sys.stderr, flush=True)
                elif running:
                    print(f"{_PROGRAM}: … {'; '.join(running)}", file=sys.stderr, flush=True)

    def _erase(self) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr)
            self._shown = 0


_progress = _Progress()
_running: set[subprocess.Popen[str]] = set()
