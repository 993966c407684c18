"""The program that Terraform and OpenTofu start: `terraform-provider-polykomos`."""

from __future__ import annotations

import polykomos_provider
from resourcekit.terraform.plugin import run

TYPE_CHECKING = False  # importing `typing` takes as long as connecting to the zygote
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Serve the Polykomos package to the engine that started this process."""
    # Not relative to this file: in an archive, this file is elsewhere, as its program.
    schema = f"{polykomos_provider.__path__[0]}/terraform_schema.b64"
    run("polykomos", _package, schema, ("polykomos.client.client",))


def _package() -> Any:
    from polykomos.package import package

    return package()


if __name__ == "__main__":
    main()
