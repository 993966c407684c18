"""The program that Pulumi starts: `pulumi-resource-polykomos`."""

from __future__ import annotations

from typing import Any

from resourcekit.pulumi.plugin import run


def main() -> None:
    """Serve the Polykomos package to the engine whose address is the last argument."""
    run(_package)


def _package() -> Any:
    from polykomos.package import package

    return package()


if __name__ == "__main__":
    main()
