"""The programs of a vendor that the engines start: `pulumi-resource-NAME` and `terraform-provider-NAME`."""

from __future__ import annotations

import importlib
import os
import sys

TYPE_CHECKING = False  # importing `typing` takes time that the engine waits for
if TYPE_CHECKING:
    from typing import Any


class Programs:
    """The two programs of a vendor, for the entry points of its distribution.

    The vendor's Python package has a module `package` with a function of this name, and a module `api` with its client.
    If it has the generated schema `terraform_schema.b64`, Terraform's program starts faster.

    Args:
        vendor: The vendor's name, which is that of its Python package.

    Example:
        In `shop/__init__.py`, for the entry points `shop:programs.pulumi` and `shop:programs.terraform`::

            from resourcekit.programs import Programs

            programs = Programs("shop")
    """

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor

    def pulumi(self) -> None:
        """Serve the package to Pulumi, and end the process."""
        from resourcekit.pulumi.plugin import run

        run(self._package)

    def terraform(self) -> None:
        """Serve the package to Terraform or OpenTofu, and end the process."""
        from resourcekit.terraform.plugin import run

        schema = os.path.join(sys.modules[self._vendor].__path__[0], "terraform_schema.b64")  # noqa: PTH118 - no pathlib
        run(self._vendor, self._package, schema if os.path.exists(schema) else "", (f"{self._vendor}.api",))  # noqa: PTH110

    def _package(self) -> Any:
        # Imported when the engine needs it, after the process has reported that it is there.
        return importlib.import_module(f"{self._vendor}.package").package()
