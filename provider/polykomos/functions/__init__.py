"""The Polykomos functions (data sources)."""
