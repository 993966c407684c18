"""The packages of this distribution, and their addresses if a Terraform configuration names no host."""

from __future__ import annotations

# Polykomos first. The plugins of the others are of the same release.
PACKAGES = ("polykomos", "polnor", "polytomic", "pragma")
ADDRESSES = ("registry.terraform.io/polykomos/polykomos", "registry.opentofu.org/polykomos/polykomos")


def packages_of(vendors: tuple[str, ...]) -> tuple[str, ...]:
    """Return Polykomos and these vendors, in the order of `PACKAGES`; `all` stands for each."""
    return tuple(name for name in PACKAGES if name == PACKAGES[0] or name in vendors or "all" in vendors)
