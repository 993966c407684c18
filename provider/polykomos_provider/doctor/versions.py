"""The versions of the engines that this provider needs: `polykomos doctor` and docs/prerequisites.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Version = tuple[int, int]

# The oldest that work.
FLOORS: Mapping[str, Version] = {"pulumi": (3, 200), "terraform": (1, 8), "tofu": (1, 10)}
# What newer ones add.
ADDED: Mapping[str, Sequence[tuple[Version, str]]] = {
    "terraform": (
        ((1, 11), "ephemeral credentials and write-only arguments"),
        ((1, 12), "import by identity"),
        ((1, 14), "`terraform query` and actions"),
        ((1, 16), "saved plans that create each object once without `idempotency_scope`"),
    ),
    "tofu": (((1, 11), "ephemeral credentials and write-only arguments"), ((1, 12), "import by identity")),
}
NAMES: Mapping[str, str] = {"pulumi": "Pulumi", "terraform": "Terraform", "tofu": "OpenTofu"}


def dotted(version: Version) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version))
