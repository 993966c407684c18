"""Where each engine looks for `polykomos/polykomos` when a program names no host. Imported by the plugin: tiny."""

from __future__ import annotations

ADDRESSES = ("registry.terraform.io/polykomos/polykomos", "registry.opentofu.org/polykomos/polykomos")
