"""What make's targets prepare, and where tests find caches. Standard library only: it makes what it would need.

Every step says what it does and how long it took, does nothing when its work is done already, and fails by name.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

import languages
import python_env
import system_packages
from go_toolchain import Toolchain
from steps import ROOT, SetupError, say, stop

import clients
import engines

USAGE = "usage: python3 tools/setup demo|check|test|engines|baseline|env|caches|clients|sdk [DIRECTORY]"


def demo() -> None:
    """Prepare a running provider and control plane, and Pulumi with its YAML host."""
    with ThreadPoolExecutor() as pool:
        environment = pool.submit(python_env.prepare, "runtime")
        engine = pool.submit(engines.prepare, (engines.PULUMI,), Toolchain(), environment.result)
        _finish([environment, engine])


def check() -> None:
    """Prepare the development packages; no engine."""
    python_env.prepare("dev")


def test() -> None:
    """Prepare everything that a test needs."""
    with ThreadPoolExecutor() as pool:
        environment = pool.submit(python_env.prepare, "dev")
        go_modules = pool.submit(languages.fetch_go)
        rest = [pool.submit(system_packages.prepare), pool.submit(languages.prepare_node)]
        tested = (engines.PULUMI, engines.TOFU, engines.TERRAFORM, engines.TOFU_FLOOR)
        built = pool.submit(engines.prepare, tested, Toolchain(), environment.result)
        _finish([environment, go_modules, built, *rest])
    languages.compile_go()
    clients.prepare()
    terraform = shutil.which("terraform")
    say(f"terraform: {terraform}" if terraform else "terraform: not on PATH; its tests are skipped, by name")


def only_engines() -> None:
    """Prepare the engines alone."""
    engines.prepare((engines.PULUMI, engines.TOFU), Toolchain(), lambda: python_env.prepare("runtime"))


def baseline() -> None:
    """Prepare the providers that `make bench` measures ours against."""
    engines.prepare_peers(Toolchain())


def env() -> None:
    """Print the line that puts `.venv` and the engines on PATH."""
    directories = ":".join(str(directory) for directory in (python_env.BIN, *engines.search_path()))
    print(f'export PATH={shlex.quote(directories)}:"$PATH"')


def caches() -> None:
    """Print the variables that tell npm and Go of their caches."""
    print("\n".join(f"{name}={value}" for name, value in languages.environment().items()))


def client_programs() -> None:
    """Compile the test programs of tests/clients, and print where each is."""
    clients.prepare()
    print("\n".join(str(clients.program(module)) for module in clients.MODULES))


COMMANDS: dict[str, Callable[[], None]] = {
    "demo": demo,
    "check": check,
    "test": test,
    "engines": only_engines,
    "baseline": baseline,
    "env": env,
    "caches": caches,
    "clients": client_programs,
}
# Their standard output is for the shell, and they take no time.
PRINTING = ("env", "caches")


def main(argv: list[str]) -> int:
    """Run one command and return the exit status."""
    name, rest = (argv or ["test"])[0], argv[1:]
    try:
        if name == "sdk":
            engines.write_sdks(Path(rest[0]) if rest else ROOT / "sdk", Toolchain())
        elif name in COMMANDS and not rest:
            began = time.monotonic()
            COMMANDS[name]()
            if name not in PRINTING:
                say(f"{name}: prepared in {time.monotonic() - began:.0f} s")
        else:
            print(USAGE, file=sys.stderr)
            return 2
    except SetupError as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 1
    return 0


def _finish(steps: list[Future[Path] | Future[None]]) -> None:
    """Wait for all steps. The first that fails ends the others."""
    done, _ = wait(steps, return_when=FIRST_EXCEPTION)
    failed = next((step for step in done if step.exception()), None)
    if failed:
        stop()
        failed.result()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
