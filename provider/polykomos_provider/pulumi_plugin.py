"""`pulumi-resource-polykomos`: the program that Pulumi starts."""

from __future__ import annotations

import sys

from polykomos.package import package
from resourcekit.pulumi.server import serve


def main() -> None:
    """Serve the Polykomos package to the engine whose address is the last argument."""
    serve(package(), sys.argv[1:])


if __name__ == "__main__":
    main()
