"""The packages of this distribution, and their addresses if a Terraform configuration names no host."""

from __future__ import annotations

# Polykomos first. The plugins of the others are of the same release.
PACKAGES = ("polykomos", "polnor", "polytomic", "pragma")
ADDRESSES = ("registry.terraform.io/polykomos/polykomos", "registry.opentofu.org/polykomos/polykomos")
