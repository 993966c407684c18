"""The program that Pulumi starts: `pulumi-resource-polykomos`."""

from __future__ import annotations

import os
import sys
from typing import Any

from resourcekit.pulumi.server import serve


def main() -> None:
    """Serve the Polykomos package to the engine whose address is the last argument."""
    status = serve(_package, sys.argv[1:])
    # Without the interpreter's shutdown: the engine waits for the end of the process, several times per command.
    sys.stderr.flush()
    os._exit(status)


def _package() -> Any:
    # Imported after the process has printed its port.
    from polykomos.package import package

    return package()


if __name__ == "__main__":
    main()
