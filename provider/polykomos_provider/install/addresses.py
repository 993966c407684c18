"""The engines' addresses of `polykomos/polykomos`, if a configuration names no host.

The plugin imports this file at its start, so it imports nothing.
"""

from __future__ import annotations

ADDRESSES = ("registry.terraform.io/polykomos/polykomos", "registry.opentofu.org/polykomos/polykomos")
