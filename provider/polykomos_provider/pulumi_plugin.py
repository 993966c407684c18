"""`pulumi-resource-polykomos`: the program that Pulumi starts."""

from __future__ import annotations

import os
import sys
from typing import Any

from resourcekit.pulumi.server import serve


def main() -> None:
    """Serve the Polykomos package to the engine whose address is the last argument."""
    status = serve(_package, sys.argv[1:])
    # Without taking the interpreter down piece by piece: the engine waits for the end, several times a command.
    sys.stderr.flush()
    os._exit(status)


def _package() -> Any:
    # Loaded after the port is out.
    from polykomos.package import package

    return package()


if __name__ == "__main__":
    main()
