"""The program that Pulumi starts: `pulumi-resource-NAME`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from resourcekit.pulumi.server import serve

TYPE_CHECKING = False  # importing `typing` takes time that the engine waits for
if TYPE_CHECKING:
    from typing import Any

    from resourcekit.package import Package


def run(load: Callable[[], Package[Any]]) -> None:
    """Serve a package to the engine whose address is the last argument, and end the process.

    Args:
        load: Returns the package. Called after the process has printed its port.
    """
    status = serve(load, sys.argv[1:])
    # Without the interpreter's shutdown: the engine waits for the end of the process, several times per command.
    sys.stderr.flush()
    os._exit(status)
