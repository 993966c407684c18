"""The packages for which schemas, SDKs and pages are generated, and where they are."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resourcekit.package import Package

ROOT = Path(__file__).resolve().parents[2]
# Each vendor's module `package` has a function `package`.
VENDORS = ("polykomos", "polnor", "polytomic", "pragma")


@dataclass(frozen=True)
class Generated:
    """A package and the places of what is generated from it. Polykomos' are those of the first releases."""

    package: Package[Any]

    @property
    def is_first(self) -> bool:
        """Whether it is Polykomos."""
        return self.package.name == VENDORS[0]

    @property
    def schema(self) -> Path:
        """Pulumi's schema."""
        return ROOT / "schema.json" if self.is_first else ROOT / "sdk" / self.package.name / "schema.json"

    @property
    def terraform_schema(self) -> Path:
        """The schema that Terraform's plugin answers with."""
        folder = "polykomos_provider" if self.is_first else self.package.name
        return ROOT / "provider" / folder / "terraform_schema.b64"

    def pages(self, kind: str) -> Path:
        """Return the folder of the pages of a kind: `reference` or `terraform`."""
        return ROOT / "docs" / kind if self.is_first else ROOT / "docs" / self.package.name / kind


def generated() -> list[Generated]:
    """Return all packages."""
    return [Generated(importlib.import_module(f"{name}.package").package()) for name in VENDORS]
