"""What `make setup`, `engines`, `env`, `sdk` and `bench` run, and where tests find caches. Standard library only: it
makes what it would need.

Standard library only: it makes what it would need.
Every step says what it does and how long it took, does nothing when its work is done already, and fails by name.
"""

from __future__ import annotations

import sys
from pathlib import Path

import browser
import languages
import mariadb
import python_env
from steps import ROOT, Failed

import engines


def main(argv: list[str]) -> int:
    """Run one command: setup, engines, baseline, env, caches or sdk [DIRECTORY]. Returns the exit status."""
    command = argv[0] if argv else "setup"
    try:
        if command == "env":
            directories = [python_env.BIN, *engines.search_path()]
            print(f'export PATH="{":".join(map(str, directories))}:$PATH"')
            return 0
        if command == "caches":
            print("\n".join(f"{name}={value}" for name, value in languages.environment().items()))
            return 0
        if command == "sdk":
            engines.write_sdks(Path(argv[1]) if argv[1:] else ROOT / "sdk")
            return 0
        if command == "baseline":
            engines.prepare_peers()
            return 0
        if command == "setup":
            python_env.prepare()
            browser.prepare()
            mariadb.prepare()
        engines.prepare()
        if command == "setup":
            languages.prepare()
    except Failed as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
