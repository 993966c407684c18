"""Reads that share list pages instead of one call per object (docs/decisions/0020-reads.md)."""
