"""The programs that the engines start: `pulumi-resource-pragma` and `terraform-provider-pragma`."""

from __future__ import annotations

import pragma

TYPE_CHECKING = False  # importing `typing` takes time that the engine waits for
if TYPE_CHECKING:
    from typing import Any


def pulumi() -> None:
    """Serve Pulumi."""
    from resourcekit.pulumi.plugin import run

    run(_package)


def terraform() -> None:
    """Serve Terraform and OpenTofu."""
    from resourcekit.terraform.plugin import run

    run("pragma", _package, f"{pragma.__path__[0]}/terraform_schema.b64", ("pragma.api",))


def _package() -> Any:
    from pragma.package import package

    return package()
