"""The programs that the engines start: `pulumi-resource-polnor` and `terraform-provider-polnor`."""

from __future__ import annotations

import polnor

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

    run("polnor", _package, f"{polnor.__path__[0]}/terraform_schema.b64", ("polnor.api",))


def _package() -> Any:
    from polnor.package import package

    return package()
