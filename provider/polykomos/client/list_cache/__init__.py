"""Reads that share list pages: what is cheaper than one call for each object (docs/decisions/0020-reads.md)."""
