"""Snapshots: save and restore the whole state, that is our tables and the tenants' databases."""
