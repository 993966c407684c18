"""`terraform-provider-polykomos`: the program that Terraform and OpenTofu start."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from resourcekit.terraform.serving import serve

ADDRESS = "registry.terraform.io/polykomos/polykomos"


def main() -> None:
    """Serve the Polykomos package to the engine that started this process."""
    sys.exit(serve(_calls, ADDRESS, sys.argv[1:]))


def _calls() -> Mapping[str, Callable[..., Any]]:
    # Loaded after the handshake.
    import os

    from polykomos.package import package
    from resourcekit.terraform.logs import log_to_engine
    from resourcekit.terraform.provider import Provider

    log_to_engine(os.environ.get(package().log_variable, "info"))
    return Provider(package()).calls()


if __name__ == "__main__":
    main()
