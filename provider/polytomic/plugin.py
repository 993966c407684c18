"""The programs that the engines start: `pulumi-resource-polytomic` and `terraform-provider-polytomic`."""

from __future__ import annotations

import polytomic

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

    run("polytomic", _package, f"{polytomic.__path__[0]}/terraform_schema.b64", ("polytomic.api",))


def _package() -> Any:
    from polytomic.package import package

    return package()
