"""The Polykomos vendor: its API client, resources and functions. Knows no engine."""
